/**
 * The secret keys, one set per purpose and never shared between purposes (DESIGN §9.14). Each set is
 * a file `<purpose>.json` (mode 0600) in the keys folder: `{"keys": [{"kid", "secret"}]}`, newest
 * first; the first is used for new values, all are accepted for old ones.
 */
import { createHash, createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readVariable, type Environment } from '#config/environment.ts';

/** What each key is for. Adding a purpose here makes `keys init` create its file. */
export const KEY_PURPOSES = {
  sealing: 'encrypts personal data and protocol state in the database',
  index: 'blind indexes of document numbers, phones and names of accounts',
  pepper: 'keyed hash over passwords before Argon2id',
  cookies: 'signs cookies',
  csrf: 'form tokens',
  pairwise: 'derives the subject identifiers that sites see; changing it changes every sub',
  audit: 'authenticates the head and signs the checkpoints of the audit chain',
  client_secret: 'keyed hash over the secrets of sites',
  signing_wrap: 'encrypts the token-signing keys in the database',
} as const;

export type KeyPurpose = keyof typeof KEY_PURPOSES;
export const keyPurposes = Object.keys(KEY_PURPOSES) as readonly KeyPurpose[];

export interface SecretKey {
  /** Key id, 4–32 characters of a–z 0–9 and -. */
  readonly kid: string;
  /** 32 random bytes, as a key object: with a Buffer each HMAC or cipher costs five times as much. */
  readonly secret: KeyObject;
}

const keyFile = z.object({
  keys: z
    .array(
      z.object({
        kid: z.string().regex(/^[a-z0-9-]{4,32}$/),
        secret: z
          .base64url()
          .transform((value) => Buffer.from(value, 'base64url'))
          .refine((bytes) => bytes.length === 32, 'must be 32 bytes in base64url')
          .transform(createSecretKey),
      }),
    )
    .min(1),
});

/** All keys of all purposes, in memory for the life of the process. */
export class KeyRing {
  readonly #keys: ReadonlyMap<KeyPurpose, readonly SecretKey[]>;

  constructor(keys: ReadonlyMap<KeyPurpose, readonly SecretKey[]>) {
    this.#keys = keys;
  }

  /** The key for new values. */
  current(purpose: KeyPurpose): SecretKey {
    const [first] = this.all(purpose);
    if (!first) throw new Error(`no key for ${purpose}`);
    return first;
  }

  find(purpose: KeyPurpose, kid: string): SecretKey | undefined {
    return this.all(purpose).find((key) => key.kid === kid);
  }

  /** Newest first. */
  all(purpose: KeyPurpose): readonly SecretKey[] {
    return this.#keys.get(purpose) ?? [];
  }

  /** One purpose alone, for a part that has no business with the others. */
  only(purpose: KeyPurpose) {
    return {
      current: () => this.current(purpose),
      find: (kid: string) => this.find(purpose, kid),
      all: () => this.all(purpose),
    };
  }
}

/** The keys of one purpose. */
export type PurposeKeys = ReturnType<KeyRing['only']>;

/** What is wrong with the key files, all at once; each line says what to do. */
export class KeyFilesUnusable extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'KeyFilesUnusable';
    this.problems = problems;
  }
}

/**
 * Reads every key: from `overrides[purpose]` (JSON in the file's form) or from its file.
 *
 * @throws KeyFilesUnusable listing every missing, malformed or too widely readable file
 */
export function loadKeyRing(
  directory: string,
  overrides: Partial<Record<KeyPurpose, string>> = {},
): KeyRing {
  const problems: string[] = [];
  const keys = new Map<KeyPurpose, readonly SecretKey[]>();
  for (const purpose of keyPurposes) {
    const path = join(directory, `${purpose}.json`);
    const text = overrides[purpose] ?? readPrivateFile(path, problems);
    if (text === undefined) continue;
    const parsed = keyFile.safeParse(parseJson(text));
    if (parsed.success) keys.set(purpose, parsed.data.keys);
    else problems.push(`${path}: not a key file ({"keys": [{"kid", "secret"}]})`);
  }
  problems.push(...findSharedSecrets(keys));
  if (problems.length > 0) throw new KeyFilesUnusable(problems);
  return new KeyRing(keys);
}

/**
 * Key sets given by the environment: `YRT_KEY_SEALING` with the file's JSON, or
 * `YRT_KEY_SEALING_FILE` with the path of a mounted file.
 */
export function keyOverrides(environment: Environment): Partial<Record<KeyPurpose, string>> {
  const given = keyPurposes.map((purpose) => [
    purpose,
    readVariable(environment, `YRT_KEY_${purpose.toUpperCase()}`),
  ]);
  return Object.fromEntries(given.filter(([, text]) => text !== undefined)) as Partial<
    Record<KeyPurpose, string>
  >;
}

/** Creates the key files that are missing (0600, in a 0700 folder); returns their paths. */
export function createMissingKeyFiles(directory: string): string[] {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const created: string[] = [];
  for (const purpose of keyPurposes) {
    const path = join(directory, `${purpose}.json`);
    if (existsSync(path)) continue;
    const key = { kid: randomBytes(4).toString('hex'), secret: randomKey() };
    writeFileSync(path, `${JSON.stringify({ keys: [key] }, null, 2)}\n`, { mode: 0o600 });
    chmodSync(path, 0o600);
    created.push(path);
  }
  return created;
}

/** A ring of random keys that lives only in memory, for tests and tools. */
export function createEphemeralKeyRing(): KeyRing {
  const make = (): SecretKey => ({
    kid: randomBytes(4).toString('hex'),
    secret: createSecretKey(randomBytes(32)),
  });
  return new KeyRing(new Map(keyPurposes.map((purpose) => [purpose, [make()]])));
}

const randomKey = () => randomBytes(32).toString('base64url');

function readPrivateFile(path: string, problems: string[]): string | undefined {
  if (!existsSync(path)) {
    problems.push(`${path}: missing (create it with \`npm run cli -- keys init\`)`);
    return undefined;
  }
  const othersMay = statSync(path).mode & 0o077;
  if (othersMay !== 0 && process.platform !== 'win32') {
    problems.push(`${path}: readable by others (run \`chmod 600\` on it)`);
  }
  return readFileSync(path, 'utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The same secret under two purposes would let one part forge for the other. */
function findSharedSecrets(keys: ReadonlyMap<KeyPurpose, readonly SecretKey[]>): string[] {
  const seen = new Map<string, KeyPurpose>();
  const problems: string[] = [];
  for (const [purpose, list] of keys) {
    for (const { secret } of list) {
      const digest = createHash('sha256').update(secret.export()).digest('hex');
      const other = seen.get(digest);
      if (other && other !== purpose) problems.push(`${purpose} and ${other} share a secret`);
      seen.set(digest, purpose);
    }
  }
  return problems;
}
