/**
 * Hashing of passwords: pepper, then Argon2id (RFC 9106) on threads of low priority behind a bounded
 * queue. services.ts makes the one instance; sign-in, registration and password change share it.
 *
 * A stored hash is `<kid>$argon2id$v=19$m=…,t=…,p=1$<salt>$<hash>`: the pepper's key id, then the
 * PHC string format. One that another system made is in another form until its owner signs in
 * (imported/stored-hash.ts).
 */
import { randomBytes } from 'node:crypto';
import type { Settings } from '#config/settings.ts';
import { AppError } from '#lib/errors.ts';
import { HashQueue, type HashPermits } from './hash-queue.ts';
import type { ForeignHash } from './imported/family.ts';
import { isImported, matchesStored, recipeOf, storedForm } from './imported/stored-hash.ts';
import { pepper, type PepperKey, type PepperKeys } from './pepper.ts';

const SALT_BYTES = 16;
const HASH_BYTES = 32;

export interface PasswordHasherOptions {
  readonly settings: Pick<
    Settings['password'],
    'memoryKibibytes' | 'passes' | 'queueLength' | 'maxLength'
  >;
  readonly pepperKeys: PepperKeys;
  /** Hashing threads; at most (and by default) as many as there are cores. */
  readonly threads?: number | undefined;
  readonly permits?: HashPermits | undefined;
}

export class PasswordHasher {
  readonly #settings: PasswordHasherOptions['settings'];
  readonly #pepperKeys: PepperKeys;
  readonly #queue: HashQueue;
  /** PHC prefix that a hash of today's parameters begins with. */
  readonly #parameters: string;
  /** A hash that no password has, of the same cost as the real ones. */
  readonly #decoy: string;

  constructor({ settings, pepperKeys, threads, permits }: PasswordHasherOptions) {
    this.#settings = settings;
    this.#pepperKeys = pepperKeys;
    this.#queue = new HashQueue({ queueLength: settings.queueLength, threads, permits });
    this.#parameters = `$argon2id$v=19$m=${settings.memoryKibibytes},t=${settings.passes},p=1$`;
    this.#decoy = `${this.#parameters}${base64(SALT_BYTES)}$${base64(HASH_BYTES)}`;
  }

  /** Whether a password is over the length that is ever hashed, in Unicode characters of its NFC. */
  isTooLong(password: string): boolean {
    const { maxLength } = this.#settings;
    // NFC joins up to four UTF-16 units of one character (Vietnamese); far beyond, do not normalize.
    if (password.length > 4 * maxLength) return true;
    return Array.from(password.normalize('NFC')).length > maxLength;
  }

  /**
   * Hashes a new password with a random salt, under the current pepper.
   *
   * @returns what to store
   * @throws RangeError when it {@link isTooLong}: policy.ts refuses it before
   * @throws AppError `server.busy` (503) at once when too many hashes wait
   */
  async hash(password: string): Promise<string> {
    if (this.isTooLong(password)) throw new RangeError('The password is too long to be hashed.');
    const key = this.#pepperKeys.current();
    const { memoryKibibytes, passes } = this.#settings;
    const peppered = pepper(password, key);
    const encoded = await this.#queue.run({ kind: 'hash', peppered, memoryKibibytes, passes });
    return `${key.kid}${String(encoded)}`;
  }

  /**
   * Compares a password with a stored hash. One that {@link isTooLong} is wrong without hashing.
   *
   * @throws AppError `server.busy` (503) at once when too many hashes wait
   * @throws AppError `server.unavailable` (503) when the pepper of the stored hash is not at hand
   */
  async verify(stored: string, password: string): Promise<boolean> {
    if (this.isTooLong(password)) return false;
    const { kid, encoded } = split(stored);
    const key = this.#pepperKeys.find(kid);
    if (!key) {
      const cause = new Error(`The pepper key "${kid}" is missing.`);
      throw new AppError('server.unavailable', {}, { cause });
    }
    if (isImported(encoded)) return await this.#verifyImported(encoded, key, password);
    const peppered = pepper(password, key);
    return (await this.#queue.run({ kind: 'verify', peppered, encoded })) === true;
  }

  /** What to store for a hash that another system made; {@link verify} knows it, once. */
  adopt(hash: ForeignHash): string {
    return storedForm(hash, this.#pepperKeys.current());
  }

  /**
   * The foreign hash, then one of ours: a right password is hashed anew right after, a wrong one
   * costs a decoy. Else a fast foreign hash would answer sooner than an account that does not exist.
   */
  async #verifyImported(encoded: string, key: PepperKey, password: string): Promise<boolean> {
    const recipe = recipeOf(encoded);
    const salt = recipe.salt.toString('base64');
    const derived = await this.#queue.run({ kind: 'derive', ...recipe, salt, password });
    if (matchesStored(encoded, Buffer.from(String(derived), 'base64'), key)) return true;
    return await this.verifyDecoy(password);
  }

  /**
   * Costs what {@link verify} costs and is always wrong: for accounts that do not exist or have no
   * password, so that the time of an answer does not tell them apart.
   */
  async verifyDecoy(password: string): Promise<false> {
    await this.verify(`${this.#pepperKeys.current().kid}${this.#decoy}`, password);
    return false;
  }

  /** Whether the stored hash was made elsewhere, with other parameters or under an earlier pepper. */
  needsRehash(stored: string): boolean {
    const { kid, encoded } = split(stored);
    return kid !== this.#pepperKeys.current().kid || !encoded.startsWith(this.#parameters);
  }

  /** Hashes that wait for a thread. */
  get waiting(): number {
    return this.#queue.waiting;
  }

  /** Ends the hashing threads; later calls are rejected as unavailable. */
  async close(): Promise<void> {
    await this.#queue.close();
  }
}

function split(stored: string): { kid: string; encoded: string } {
  const end = Math.max(0, stored.indexOf('$'));
  return { kid: stored.slice(0, end), encoded: stored.slice(end) };
}

/** Random bytes as the PHC string format writes them: base64 without padding. */
function base64(bytes: number): string {
  return randomBytes(bytes).toString('base64').replaceAll('=', '');
}
