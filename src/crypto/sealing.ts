/**
 * Sealing: what personal data and protocol state look like in the database. AES-256-GCM with a
 * random 96-bit IV (NIST SP 800-38D §8.2.2); table, column, row and key id are additional data, so
 * a value moved to another cell does not open. Form: `v1.<kid>.<iv>.<ciphertext>.<tag>`, base64url;
 * in Redis, where every byte is memory, the same parts as bytes.
 */
import { createCipheriv, createDecipheriv, randomBytes, type KeyObject } from 'node:crypto';
import type { PurposeKeys } from './key-ring.ts';

/** The cell a sealed value belongs to. */
export interface Cell {
  readonly table: string;
  readonly column: string;
  readonly rowId: string;
}

/** A sealed value does not open: changed, moved, cut, or sealed under a key that is not here. */
export class SealBroken extends Error {
  constructor({ table, column }: Pick<Cell, 'table' | 'column'>, why: string) {
    super(`${table}.${column} does not open: ${why}`);
    this.name = 'SealBroken';
  }
}

const IV_BYTES = 12;
const TAG_BYTES = 16;
const BYTES_VERSION = 1;
/** Version and length of the key id. */
const HEAD_BYTES = 2;

export class Sealer {
  readonly #keys: PurposeKeys;

  constructor(keys: PurposeKeys) {
    this.#keys = keys;
  }

  /** Seals a text for one cell under the current key. */
  seal(plaintext: string, cell: Cell): string {
    const { kid, secret } = this.#keys.current();
    const sealed = encrypt(plaintext, secret, additionalData(cell, kid));
    const parts = [sealed.iv, sealed.ciphertext, sealed.tag];
    return `v1.${kid}.${parts.map((part) => part.toString('base64url')).join('.')}`;
  }

  /**
   * Seals a text for one place outside the database, whose name is the additional data. Form: 1 (the
   * version), length of the key id, key id, IV, tag, ciphertext.
   */
  sealBytes(plaintext: string, place: string): Buffer {
    const { kid, secret } = this.#keys.current();
    const { iv, ciphertext, tag } = encrypt(plaintext, secret, Buffer.from(`${kid}.${place}`));
    const head = Buffer.from([BYTES_VERSION, kid.length]);
    return Buffer.concat([head, Buffer.from(kid, 'latin1'), iv, tag, ciphertext]);
  }

  /** @throws SealBroken, never a partial or guessed value */
  openBytes(sealed: Buffer, place: string): string {
    const cell = { table: 'redis', column: place };
    const ivAt = HEAD_BYTES + (sealed[1] ?? 0);
    const textAt = ivAt + IV_BYTES + TAG_BYTES;
    if (sealed[0] !== BYTES_VERSION || sealed.length < textAt) {
      throw new SealBroken(cell, 'not in the form that sealBytes makes');
    }
    const kid = sealed.toString('latin1', HEAD_BYTES, ivAt);
    const key = this.#keys.find(kid);
    if (!key) throw new SealBroken(cell, `key ${kid} is not in the key ring`);
    try {
      const parts = {
        iv: sealed.subarray(ivAt, ivAt + IV_BYTES),
        tag: sealed.subarray(ivAt + IV_BYTES, textAt),
        ciphertext: sealed.subarray(textAt),
      };
      return decrypt(parts, key.secret, Buffer.from(`${kid}.${place}`));
    } catch {
      throw new SealBroken(cell, 'it was changed or belongs to another place');
    }
  }

  /** @throws SealBroken, never a partial or guessed value */
  open(sealed: string, cell: Cell): string {
    const [version, kid, iv, ciphertext, tag, ...rest] = sealed.split('.');
    if (version !== 'v1' || !kid || !iv || ciphertext === undefined || !tag || rest.length > 0) {
      throw new SealBroken(cell, 'not in the form v1.kid.iv.ciphertext.tag');
    }
    const key = this.#keys.find(kid);
    if (!key) throw new SealBroken(cell, `key ${kid} is not in the key ring`);
    const tagBytes = Buffer.from(tag, 'base64url');
    // A shorter tag would be accepted by the cipher and is easier to forge.
    if (tagBytes.length !== TAG_BYTES) throw new SealBroken(cell, 'wrong tag length');
    try {
      const parts = {
        ...{ iv: Buffer.from(iv, 'base64url'), tag: tagBytes },
        ciphertext: Buffer.from(ciphertext, 'base64url'),
      };
      return decrypt(parts, key.secret, additionalData(cell, kid));
    } catch {
      throw new SealBroken(cell, 'it was changed or belongs to another cell');
    }
  }
}

interface Sealed {
  readonly iv: Buffer;
  readonly tag: Buffer;
  readonly ciphertext: Buffer;
}

function encrypt(plaintext: string, secret: KeyObject, bound: Buffer): Sealed {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', secret, iv).setAAD(bound);
  const ciphertext = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
  return { iv, ciphertext, tag: cipher.getAuthTag() };
}

/** @throws the cipher's error when anything was changed */
function decrypt({ iv, tag, ciphertext }: Sealed, secret: KeyObject, bound: Buffer): string {
  const decipher = createDecipheriv('aes-256-gcm', secret, iv).setAAD(bound).setAuthTag(tag);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8');
}

/** JSON keeps the four parts apart whatever characters they hold. */
const additionalData = ({ table, column, rowId }: Cell, kid: string) =>
  Buffer.from(JSON.stringify([table, column, rowId, kid]), 'utf8');
