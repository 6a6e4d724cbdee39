/** A redis-server of its own: its CPU time is then that of one candidate. */
import { Redis } from 'ioredis';
import { freePort } from '../../test/support/test-server.ts';
import { startChild, type Child } from './child.ts';

export interface PrivateRedis extends Child {
  readonly url: string;
  readonly client: Redis;
}

export async function startRedis(): Promise<PrivateRedis> {
  const port = await freePort();
  const client = new Redis({ host: '127.0.0.1', port, lazyConnect: true, retryStrategy: () => 50 });
  client.on('error', () => undefined);
  const child = await startChild(
    [
      ...['redis-server', '--bind', '127.0.0.1', '--port', String(port)],
      ...['--save', '', '--appendonly', 'no', '--dir', '/tmp'],
    ],
    { isReady: async () => (await client.ping()).length > 0 },
  );
  const stop = async () => {
    client.disconnect();
    await child.stop();
  };
  return { ...child, url: `redis://127.0.0.1:${port}`, client, stop };
}
