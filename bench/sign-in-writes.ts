/**
 * What one password sign-in costs beside its hash: PostgreSQL transactions, WAL and CPU, for a right
 * and a wrong password and a refused address, one after the other and side by side.
 *
 *     TEST_DATABASE_URL=postgres://… [REDIS_URL=redis://…] \
 *       node bin/run.mjs bench/sign-in-writes.ts [rounds] [parallel]
 *
 * Makes a database of its own and drops it. Transactions and WAL are counted for the whole server:
 * use one where nothing else writes, with autovacuum off and no checkpoint due.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Knex } from 'knex';
import { createOnServer, dropDatabase } from '../test/support/databases.ts';
import { aCitizen, aSite, startTestServer, type Citizen } from '../test/support/test-server.ts';
import type { Order } from './sign-in-visitor.ts';

const [rounds = 200, parallel = 1] = process.argv.slice(2).map(Number);
const CITIZENS = 20;
const VISITOR = fileURLToPath(new URL('./sign-in-visitor.ts', import.meta.url));
/** PostgreSQL publishes what a backend counted after at most a second. */
const STATISTICS_DELAY = 1500;
const CLOCK_TICKS_PER_SECOND = 100;

interface Reading {
  readonly writes: number;
  readonly commits: number;
  readonly wal: number;
  readonly fullPages: number;
  readonly mainThread: number;
  readonly process: number;
  readonly backends: number;
}

async function read(db: Knex): Promise<Reading> {
  await delay(STATISTICS_DELAY);
  const { rows } = await db.raw<{ rows: Record<string, string>[] }>(`
    SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS writes,
      (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()) AS commits,
      (pg_current_wal_insert_lsn() - '0/0')::text AS wal,
      (SELECT wal_fpi FROM pg_stat_wal) AS "fullPages",
      (SELECT json_agg(pid) FROM pg_stat_activity WHERE datname = current_database())::text AS pids`);
  const [row = {}] = rows;
  const main = process.threadCpuUsage();
  const all = process.cpuUsage();
  return {
    writes: Number(row['writes']),
    commits: Number(row['commits']),
    wal: Number(row['wal']),
    fullPages: Number(row['fullPages']),
    mainThread: (main.user + main.system) / 1000,
    process: (all.user + all.system) / 1000,
    backends: (JSON.parse(row['pids'] ?? '[]') as number[]).reduce(
      (sum, pid) => sum + cpuOf(pid),
      0,
    ),
  };
}

/** CPU of a process of this machine, in milliseconds; 0 when the database is elsewhere. */
function cpuOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / CLOCK_TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

async function visit(order: Order): Promise<void> {
  const child = fork(VISITOR, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  child.send(order);
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error('the visitor failed');
}

const database = await createOnServer();
if (!database) throw new Error('no PostgreSQL');
const server = await startTestServer(database, {
  settings: {
    logLevel: 'error',
    redisUrl: process.env['REDIS_URL'],
    password: { memoryKibibytes: 19_456, passes: 2 },
    attempts: { maxPerWindow: 1_000_000, disableAfter: 1_000_000 },
  },
});
const site = await aSite(server);
const citizens: Citizen[] = [];
for (let n = 0; n < CITIZENS; n += 1) citizens.push(await aCitizen(server));

const order = { issuer: server.issuer, site, citizens, parallel };
console.log(`per sign-in, ${rounds} rounds, ${parallel} side by side`);
for (const outcome of ['right', 'wrong', 'right', 'wrong'] as const) {
  await visit({ ...order, outcome, rounds: CITIZENS * 2 });
  const before = await read(database.db);
  const startedAt = performance.now();
  await visit({ ...order, outcome, rounds });
  const milliseconds = performance.now() - startedAt;
  const after = await read(database.db);
  const per = (name: keyof Reading, digits = 2) =>
    ((after[name] - before[name]) / rounds).toFixed(digits);
  console.log(
    `${outcome.padEnd(6)} write transactions ${per('writes')}  commits ${per('commits')}  ` +
      `WAL ${per('wal', 0)} B (${per('fullPages')} full pages)  ` +
      `CPU ms: main thread ${per('mainThread')}, process ${per('process')}, ` +
      `PostgreSQL ${per('backends')}  (${(rounds / (milliseconds / 1000)).toFixed(0)}/s)`,
  );
}
await server.stop();
await dropDatabase(database);
