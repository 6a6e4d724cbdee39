/** What one operation asks of the stores and leaves behind in them, row by row. */
import { setTimeout as pause } from 'node:timers/promises';
import { round, table } from '../report.ts';
import { chosen } from '../load/scenarios.ts';
import { run } from '../load/run.ts';
import type { BenchOptions } from '../options.ts';
import { startOurs, type OurServer } from '../targets/ours.ts';

/** Backends report their counters late: when they were idle for ten seconds. */
const REPORT_MILLISECONDS = 11_000;

interface Counters {
  readonly at: number;
  readonly transactions: number;
  readonly walBytes: number;
  readonly redisCommands: number;
  readonly redisKeys: number;
  readonly redisBytes: number;
}

export async function footprint({ only, seconds }: BenchOptions): Promise<void> {
  const ours = await startOurs();
  try {
    await pause(REPORT_MILLISECONDS);
    const idleFrom = await countersOf(ours);
    await pause(REPORT_MILLISECONDS);
    const idle = difference(idleFrom, await countersOf(ours));
    const lines = [];
    for (const scenario of chosen(only)) {
      const before = await countersOf(ours);
      const { operations, total } = await run(ours, scenario, { connections: 4, seconds });
      await pause(REPORT_MILLISECONDS);
      const used = difference(before, await countersOf(ours));
      // Preparing and warming up are operations too, of this kind or nearly.
      const per = (name: Exclude<keyof Counters, 'at'>) =>
        round((used[name] - (idle[name] * used.at) / idle.at) / total);
      lines.push([
        ...[scenario.name, operations, per('transactions'), per('walBytes')],
        ...[per('redisCommands'), per('redisKeys'), per('redisBytes')],
      ]);
    }
    const units = ['transactions', 'WAL bytes', 'Redis commands', 'keys left', 'bytes left'];
    console.log(table([['per operation', 'measured', ...units], ...lines]));
  } finally {
    await ours.stop();
  }
}

async function countersOf({ postgres, redis }: OurServer): Promise<Counters> {
  const { rows } = await postgres.admin.raw<{ rows: { transactions: string; wal: string }[] }>(
    `SELECT xact_commit + xact_rollback AS transactions,
            pg_current_wal_lsn() - '0/0'::pg_lsn AS wal
       FROM pg_stat_database WHERE datname = current_database()`,
  );
  const info = (await redis?.client.info()) ?? '';
  const field = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  return {
    at: performance.now(),
    transactions: Number(rows[0]?.transactions),
    walBytes: Number(rows[0]?.wal),
    redisCommands: field('total_commands_processed'),
    redisKeys: (await redis?.client.dbsize()) ?? 0,
    redisBytes: field('used_memory_dataset'),
  };
}

function difference(before: Counters, after: Counters): Counters {
  return {
    at: after.at - before.at,
    transactions: after.transactions - before.transactions,
    walBytes: after.walBytes - before.walBytes,
    redisCommands: after.redisCommands - before.redisCommands,
    redisKeys: after.redisKeys - before.redisKeys,
    redisBytes: after.redisBytes - before.redisBytes,
  };
}
