/** Runs in the process that second-process.ts starts; ends when its channel is closed. */
import { createSecretKey } from 'node:crypto';
import { once } from 'node:events';
import { createLogger } from '#config/logger.ts';
import { KeyRing } from '#crypto/key-ring.ts';
import { startProbes } from '#http/probes.ts';
import { systemClock } from '#lib/clock.ts';
import { openDatabase } from '#store/database.ts';
import { startServer } from '../../src/server.ts';
import type { SecondProcessOrder } from './second-process.ts';
import { freePort } from './test-server.ts';

const [order] = (await once(process, 'message')) as [SecondProcessOrder];
const keys = new KeyRing(
  new Map(
    order.keys.map(([purpose, list]) => [
      purpose,
      list.map(({ kid, secret }) => ({ kid, secret: createSecretKey(secret, 'base64url') })),
    ]),
  ),
);
const engine = await openDatabase({ databaseUrl: order.databaseUrl, dataDirectory: 'memory://' });
const db = engine.connect('application');
const { settings } = order;
const log = createLogger({ logLevel: 'error' }, process.stderr);
const server = await startServer({ settings, keys, db, clock: systemClock, log });
const probePort = await freePort();
await startProbes(
  { address: '127.0.0.1', port: probePort },
  { verdict: () => server.readiness.verdict, metrics: () => server.metrics.registry.metrics() },
);
process.once('disconnect', () => {
  void server
    .stop()
    .then(() => db.destroy())
    .finally(() => process.exit());
});
process.send?.({ port: server.port, probePort });
