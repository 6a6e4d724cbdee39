/**
 * Another process of the same server: the same database, keys and issuer on another port, as the
 * second node of a cluster. Requests to it carry the issuer's Host, as a balancer's would.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { keyPurposes, type KeyPurpose } from '#crypto/key-ring.ts';
import type { Settings } from '#config/settings.ts';
import type { TestDatabase } from './databases.ts';
import type { TestServer } from './test-server.ts';

/** What the process is told over its channel, never on its command line. */
export interface SecondProcessOrder {
  readonly settings: Settings;
  readonly databaseUrl: string;
  /** Per purpose, newest first; secrets in base64url. */
  readonly keys: readonly (readonly [KeyPurpose, readonly { kid: string; secret: string }[]])[];
}

export interface SecondProcess {
  readonly port: number;
  /** Of /readyz. */
  readonly probePort: number;
  /** As SIGTERM does; resolves when the process has ended. */
  stop(): Promise<void>;
}

const ENTRY = fileURLToPath(new URL('./second-process-entry.ts', import.meta.url));

/** @throws Error on the embedded database, which one process owns, and when the process does not start */
export async function startSecondProcess(
  { foundations }: TestServer,
  { url }: TestDatabase,
): Promise<SecondProcess> {
  if (url === undefined) throw new Error('A second process needs PostgreSQL.');
  const { settings, keys } = foundations;
  const order: SecondProcessOrder = {
    settings: { ...settings, listen: { ...settings.listen, port: 0 } },
    databaseUrl: url,
    keys: keyPurposes.map((purpose) => [
      purpose,
      keys
        .all(purpose)
        .map(({ kid, secret }) => ({ kid, secret: secret.export().toString('base64url') })),
    ]),
  };
  const child = fork(ENTRY, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ended = once(child, 'exit');
  child.send(order);
  const [ports] = (await Promise.race([
    once(child, 'message'),
    ended.then(([code]) => {
      throw new Error(`the second process ended with ${String(code)} before it listened`);
    }),
  ])) as [{ port: number; probePort: number }];
  return {
    ...ports,
    stop: async () => {
      child.disconnect();
      await ended;
    },
  };
}
