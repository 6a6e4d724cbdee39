/** How long tokens and discovery take, one at a time, while sign-ins use up the processor. */
import { round, table } from '../report.ts';
import { percentile, run } from '../load/run.ts';
import { chosen } from '../load/scenarios.ts';
import type { BenchOptions } from '../options.ts';
import { startOurs } from '../targets/ours.ts';

export async function saturation({ seconds }: BenchOptions): Promise<void> {
  const ours = await startOurs();
  try {
    const [signIn] = chosen(['sign-in']);
    const watched = chosen(['discovery', 'cc-opaque', 'refresh']);
    if (!signIn) throw new Error('there is no sign-in row');
    const lines = [];
    for (const scenario of watched) {
      const [busy, outcome] = await Promise.all([
        run(ours, signIn, { connections: 32, seconds: 2 * seconds }),
        run(ours, scenario, { connections: 1, seconds: 2 * seconds }),
      ]);
      const { latencies, errors } = outcome;
      lines.push([
        ...[scenario.name, round(percentile(latencies, 0.5)), round(percentile(latencies, 0.99))],
        ...[errors, round(busy.operations / busy.seconds), busy.errors],
      ]);
    }
    const head = ['', 'p50 ms', 'p99 ms', 'errors', 'sign-ins per s', 'sign-ins refused'];
    console.log(table([head, ...lines]));
  } finally {
    await ours.stop();
  }
}
