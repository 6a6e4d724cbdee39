/** Back-ups and restore drills as an operator runs them: the scripts of deploy/, on a test server. */
import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { KeyRing } from '#crypto/key-ring.ts';
import { writeKeys } from './operator.ts';

const SCRIPTS = fileURLToPath(new URL('../../deploy/', import.meta.url));

export interface Outcome {
  readonly exitCode: number;
  /** Standard output and error. */
  readonly output: string;
}

/** Runs a script of deploy/ with nothing in its environment but PATH and what is given. */
export function runScript(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Outcome> {
  const { PATH = '' } = process.env;
  return new Promise((resolve) => {
    execFile(SCRIPTS + name, args, { env: { PATH, ...env } }, (error, stdout, stderr) => {
      const exitCode = typeof error?.code === 'number' ? error.code : error ? -1 : 0;
      resolve({ exitCode, output: stdout + stderr });
    });
  });
}

/** A folder with back-ups, keys and the password of who signs in; `remove` leaves nothing of it. */
export class DrillFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'yrt-drill-'));

  constructor() {
    // PostgreSQL, which never runs as root, works in a folder below.
    chmodSync(this.path, 0o711);
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }

  async backUp(method: 'dump' | 'base', databaseUrl: string): Promise<Outcome> {
    const backups = join(this.path, 'backups');
    return await runScript('back-up.sh', [method, backups], { DATABASE_URL: databaseUrl });
  }

  async drill(
    keys: KeyRing,
    person: { readonly username: string; readonly password: string },
    more: Readonly<Record<string, string>> = {},
  ): Promise<Outcome> {
    const keyFolder = join(this.path, 'keys');
    await mkdir(keyFolder, { recursive: true });
    writeKeys(keyFolder, keys);
    await writeFile(join(this.path, 'password'), `${person.password}\n`);
    return await runScript('restore-drill.sh', [], {
      BACKUPS: join(this.path, 'backups'),
      KEYS: keyFolder,
      ACCOUNT: person.username,
      PASSWORD_FILE: join(this.path, 'password'),
      DRILL_PORT: String(await threePorts()),
      TMPDIR: this.path,
      ...more,
    });
  }
}

/** The first of three free neighbouring ports, below those that outgoing connections take. */
async function threePorts(): Promise<number> {
  const port = randomInt(20_000, 32_000);
  const free = await Promise.all([0, 1, 2].map((offset) => isFree(port + offset)));
  return free.every(Boolean) ? port : await threePorts();
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
