/** `npm run cli -- …` as an operator runs it: a process of its own, with key files. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keyPurposes, type KeyRing } from '#crypto/key-ring.ts';
import type { TestDatabase } from './databases.ts';
import type { TestServer } from './test-server.ts';

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));

/** @returns the exit code and everything that was printed */
export async function operate(
  server: TestServer,
  database: TestDatabase,
  ...args: readonly string[]
): Promise<{ exitCode: number; output: string }> {
  return await startOperating(server, database, ...args).ended;
}

/** As operate, for a command that may be killed while it runs. */
export function startOperating(
  { issuer, foundations }: TestServer,
  { url }: TestDatabase,
  ...args: readonly string[]
): {
  readonly kill: () => void;
  readonly ended: Promise<{ exitCode: number; output: string }>;
} {
  if (url === undefined) throw new Error('A process of its own needs PostgreSQL.');
  const directory = mkdtempSync(join(tmpdir(), 'yrt-keys-'));
  writeKeys(directory, foundations.keys);
  const env = {
    NODE_ENV: 'test',
    ISSUER: issuer,
    DATABASE_URL: url,
    YRT_KEYS_DIRECTORY: directory,
  };
  const { promise: ended, resolve } = Promise.withResolvers<{ exitCode: number; output: string }>();
  const child = execFile(process.execPath, [CLI, ...args], { env }, (error, stdout, stderr) => {
    rmSync(directory, { recursive: true });
    const exitCode = typeof error?.code === 'number' ? error.code : error ? -1 : 0;
    resolve({ exitCode, output: stdout + stderr });
  });
  return { kill: () => child.kill('SIGKILL'), ended };
}

/** The ring's keys as the files that `keys init` makes. */
export function writeKeys(directory: string, ring: KeyRing): void {
  for (const purpose of keyPurposes) {
    const keys = ring
      .all(purpose)
      .map(({ kid, secret }) => ({ kid, secret: secret.export().toString('base64url') }));
    writeFileSync(join(directory, `${purpose}.json`), JSON.stringify({ keys }), { mode: 0o600 });
  }
}
