/**
 * The comparison: every row at our server, at a bare oidc-provider on Redis and on memory, in turn and
 * in one run, so that whatever else the machine does falls on all of them.
 */
import { median, percentile, run, type Outcome } from './load/run.ts';
import { chosen, type Scenario } from './load/scenarios.ts';
import type { BenchOptions } from './options.ts';
import { round, type Row } from './report.ts';
import { startBare } from './targets/bare.ts';
import { startOurs } from './targets/ours.ts';
import type { Target } from './targets/target.ts';

const BUSY_CONNECTIONS = 16;
const MANY_CONNECTIONS = 64;

export async function compare(options: BenchOptions): Promise<Row[]> {
  const targets = await Promise.all([startOurs(), startBare('bare'), startBare('memory')]);
  const rows: Row[] = [];
  try {
    for (const scenario of chosen(options.only)) rows.push(await rowOf(scenario, targets, options));
  } finally {
    for (const target of targets) await target.stop();
  }
  return rows;
}

async function rowOf(
  scenario: Scenario,
  targets: readonly [Target, Target, Target],
  { rounds, seconds }: BenchOptions,
): Promise<Row> {
  const cpu = { ours: [] as number[], bare: [] as number[], memory: [] as number[] };
  for (let count = 0; count < rounds; count += 1) {
    for (const target of targets) {
      const outcome = await run(target, scenario, { connections: BUSY_CONNECTIONS, seconds });
      tellErrors(scenario, target, outcome);
      cpu[target.name].push(outcome.cpuPerOperation);
    }
  }
  const [ours] = targets;
  const alone = await run(ours, scenario, { connections: 1, seconds });
  const many = await run(ours, scenario, { connections: MANY_CONNECTIONS, seconds });
  tellErrors(scenario, ours, many);
  const [oursCpu, bareCpu] = [median(cpu.ours), median(cpu.bare)];
  const row = {
    name: scenario.name,
    ours_cpu_ms: round(oursCpu),
    bare_cpu_ms: round(bareCpu),
    ratio: round(oursCpu / bareCpu),
    ours_per_core: Math.round(1000 / oursCpu),
    p50_ms: round(percentile(alone.latencies, 0.5)),
    p99_ms: round(percentile(alone.latencies, 0.99)),
    memory_cpu_ms: round(median(cpu.memory)),
    errors_at_64: many.errors,
    p99_at_64_ms: round(percentile(many.latencies, 0.99)),
  };
  console.error(`${scenario.name}: ${row.ours_cpu_ms} ms, ${row.ratio} × bare`);
  return row;
}

function tellErrors(scenario: Scenario, target: Target, outcome: Outcome): void {
  if (outcome.errors === 0) return;
  const { errors, operations, firstError = '' } = outcome;
  console.error(`${scenario.name} at ${target.name}: ${errors}, ${operations} good: ${firstError}`);
}
