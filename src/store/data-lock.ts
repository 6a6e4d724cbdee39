/**
 * The lock on the embedded database's folder. PGlite has none: two processes on one folder destroy
 * each other's data. The lock is a socket name that the kernel frees when its holder dies, however
 * it dies, so there is no stale lock to clean up.
 */
import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Another process has the embedded database open. */
export class DataDirectoryInUse extends Error {
  constructor(directory: string) {
    super(
      `The embedded database in "${directory}" is in use by another process. ` +
        'Stop that server first, start this one with another YRT_DATA_DIRECTORY, ' +
        'or set DATABASE_URL to use a PostgreSQL server, which many processes can share.',
    );
    this.name = 'DataDirectoryInUse';
  }
}

export interface DataLock {
  release(): Promise<void>;
}

/** @throws DataDirectoryInUse when another live process holds the lock */
export async function lockDataDirectory(directory: string): Promise<DataLock> {
  const digest = createHash('sha256').update(realpathSync(directory)).digest('hex').slice(0, 32);
  const server = createServer((connection) => connection.destroy());
  try {
    await listen(server, lockName(digest));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EADDRINUSE') {
      throw new DataDirectoryInUse(directory);
    }
    throw cause;
  }
  server.unref();
  return {
    release: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
}

function lockName(digest: string): string {
  if (process.platform === 'linux') return `\0yirentong-${digest}`;
  if (process.platform === 'win32') return `\\\\.\\pipe\\yirentong-${digest}`;
  return join(tmpdir(), `yirentong-${digest}.sock`);
}

function listen(server: Server, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(name, () => resolve());
  });
}
