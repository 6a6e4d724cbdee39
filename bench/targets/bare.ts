/** Starts the yardstick: a bare oidc-provider, on a Redis of its own or on its memory adapter. */
import { fileURLToPath } from 'node:url';
import { freePort } from '../../test/support/test-server.ts';
import { startChild } from '../machine/child.ts';
import { startRedis } from '../machine/private-redis.ts';
import { cpuOfTree } from '../machine/processes.ts';
import { HOST, type Target } from './target.ts';

const SERVER = fileURLToPath(new URL('bare-server.ts', import.meta.url));

export async function startBare(name: 'bare' | 'memory'): Promise<Target> {
  const redis = name === 'bare' ? await startRedis() : undefined;
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const server = await startChild(
    [process.execPath, SERVER, String(port), ...(redis ? [redis.url] : [])],
    {
      env: { NODE_ENV: 'production', PATH: process.env['PATH'] },
      isReady: async () => (await fetch(`${origin}/jwks`, { headers: { host: HOST } })).ok,
    },
  );
  return {
    name,
    origin,
    cpuMilliseconds: () => cpuOfTree(server.pid) + (redis ? cpuOfTree(redis.pid) : 0),
    stop: async () => {
      await server.stop();
      await redis?.stop();
    },
  };
}
