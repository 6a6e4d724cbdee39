/**
 * Sealing: what personal data and protocol state look like in the database. AES-256-GCM with a
 * random 96-bit IV (NIST SP 800-38D §8.2.2); table, column, row and key id are additional data, so
 * a value moved to another cell does not open. Form: `v1.<kid>.<iv>.<ciphertext>.<tag>`, base64url.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { PurposeKeys } from './key-ring.ts';

/** The cell a sealed value belongs to. */
export interface Cell {
  readonly table: string;
  readonly column: string;
  readonly rowId: string;
}

/** A sealed value does not open: changed, moved, cut, or sealed under a key that is not here. */
export class SealBroken extends Error {
  constructor(cell: Cell, why: string) {
    super(`${cell.table}.${cell.column} does not open: ${why}`);
    this.name = 'SealBroken';
  }
}

const IV_BYTES = 12;
const TAG_BYTES = 16;

export class Sealer {
  readonly #keys: PurposeKeys;

  constructor(keys: PurposeKeys) {
    this.#keys = keys;
  }

  /** Seals a text for one cell under the current key. */
  seal(plaintext: string, cell: Cell): string {
    const { kid, secret } = this.#keys.current();
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', secret, iv).setAAD(additionalData(cell, kid));
    const ciphertext = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
    const parts = [iv, ciphertext, cipher.getAuthTag()].map((part) => part.toString('base64url'));
    return `v1.${kid}.${parts.join('.')}`;
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
      const decipher = createDecipheriv('aes-256-gcm', key.secret, Buffer.from(iv, 'base64url'))
        .setAAD(additionalData(cell, kid))
        .setAuthTag(tagBytes);
      const bytes = Buffer.from(ciphertext, 'base64url');
      return Buffer.concat([decipher.update(bytes), decipher.final()]).toString('utf8');
    } catch {
      throw new SealBroken(cell, 'it was changed or belongs to another cell');
    }
  }
}

/** JSON keeps the four parts apart whatever characters they hold. */
const additionalData = ({ table, column, rowId }: Cell, kid: string) =>
  Buffer.from(JSON.stringify([table, column, rowId, kid]), 'utf8');
