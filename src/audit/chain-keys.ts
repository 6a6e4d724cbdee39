/**
 * What only the holder of the audit key can make: the mac of the chain's head and the signatures of
 * its checkpoints. Both keys are derived from the `audit` secret (HKDF, RFC 5869), each under its
 * own label, so that one is never used as the other.
 */
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  hkdfSync,
  sign,
  timingSafeEqual,
  verify,
  type KeyObject,
} from 'node:crypto';
import type { PurposeKeys, SecretKey } from '#crypto/key-ring.ts';

/** A place in the chain. */
export interface ChainPoint {
  readonly seq: number;
  readonly hash: Buffer;
}

/** A place that was vouched for; worth keeping outside the database. */
export interface Checkpoint extends ChainPoint, Signed {}

/** A statement under the audit key's signature, whatever it says. */
export interface Signed {
  readonly signedAt: Date;
  readonly keyId: string;
  /** Ed25519 (RFC 8032), 64 bytes. */
  readonly signature: Buffer;
}

/** PKCS #8 wrapping of a raw Ed25519 private key (RFC 8410 §7). */
const ED25519_PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

interface DerivedKeys {
  readonly headKey: KeyObject;
  readonly signingKey: KeyObject;
  readonly publicKey: KeyObject;
}

export class ChainKeys {
  readonly #keys: PurposeKeys;
  readonly #derived = new Map<string, DerivedKeys>();

  /** @param keys - those of the purpose `audit` */
  constructor(keys: PurposeKeys) {
    this.#keys = keys;
  }

  /** HMAC-SHA-256 of the head under the current key. */
  macOf(head: ChainPoint): Buffer {
    return headMac(this.#derive(this.#keys.current()).headKey, head);
  }

  /** Whether a head was written by a holder of one of the keys; the empty chain needs no mac. */
  isGenuineHead(head: ChainPoint & { readonly mac: Buffer }): boolean {
    if (head.seq === 0) return head.hash.every((byte) => byte === 0);
    return this.#keys.all().some((key) => {
      const expected = headMac(this.#derive(key).headKey, head);
      return expected.length === head.mac.length && timingSafeEqual(expected, head.mac);
    });
  }

  /** Signs a place of the chain under the current key. */
  sign(point: ChainPoint, signedAt: Date): Checkpoint {
    const { seq, hash } = point;
    return { seq, hash, ...this.signText(checkpointText(point), signedAt) };
  }

  /** False also when the key that it names is not in the key ring. */
  isGenuineCheckpoint(checkpoint: Checkpoint): boolean {
    return this.isGenuineText(checkpointText(checkpoint), checkpoint);
  }

  /** @param text - begins with what it is, so that no statement passes for one of another kind */
  signText(text: string, signedAt: Date): Signed {
    const key = this.#keys.current();
    const unsigned = { signedAt, keyId: key.kid };
    const signature = sign(null, signedText(text, unsigned), this.#derive(key).signingKey);
    return { ...unsigned, signature };
  }

  /** False also when the key that it names is not in the key ring. */
  isGenuineText(text: string, signed: Signed): boolean {
    const key = this.#keys.find(signed.keyId);
    if (!key) return false;
    return verify(null, signedText(text, signed), this.#derive(key).publicKey, signed.signature);
  }

  #derive(key: SecretKey): DerivedKeys {
    const known = this.#derived.get(key.kid);
    if (known) return known;
    const seed = expand(key.secret, 'yirentong audit checkpoint Ed25519');
    const pkcs8 = Buffer.concat([ED25519_PKCS8_PREFIX, seed]);
    const signingKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
    const derived = {
      headKey: createSecretKey(expand(key.secret, 'yirentong audit head HMAC-SHA-256')),
      signingKey,
      publicKey: createPublicKey(signingKey),
    };
    this.#derived.set(key.kid, derived);
    return derived;
  }
}

const expand = (secret: KeyObject, label: string) =>
  Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), label, 32));

const headMac = (key: KeyObject, { seq, hash }: ChainPoint) =>
  createHmac('sha256', key)
    .update(`${seq}|${hash.toString('hex')}`)
    .digest();

/** What a checkpoint says: `checkpoint|<seq>|<hash, hex>`. */
const checkpointText = ({ seq, hash }: ChainPoint) => `checkpoint|${seq}|${hash.toString('hex')}`;

/** What a signature covers: `<text>|<signed at, ISO>|<key id>`. */
const signedText = (text: string, { signedAt, keyId }: Omit<Signed, 'signature'>) =>
  Buffer.from(`${text}|${isoOf(signedAt)}|${keyId}`);

/** A forged row may hold a date that is none ("infinity"); it must fail to verify, not throw. */
const isoOf = (date: Date) => (Number.isNaN(Number(date)) ? 'invalid' : date.toISOString());
