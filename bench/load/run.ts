/** Loads a candidate with a scenario for a time, and says what it took. */
import type { Target } from '../targets/target.ts';
import type { Scenario } from './scenarios.ts';
import { Visitor } from './visitor.ts';

export interface Load {
  readonly connections: number;
  readonly seconds: number;
}

export interface Outcome {
  readonly operations: number;
  /** With those of the warming up. */
  readonly total: number;
  readonly errors: number;
  readonly firstError: string | undefined;
  readonly seconds: number;
  /** CPU milliseconds per operation, of the candidate with its stores. */
  readonly cpuPerOperation: number;
  /** Milliseconds of each operation, sorted. */
  readonly latencies: readonly number[];
}

const WARM_UP_SHARE = 0.25;

/** Prepares every seat, warms up, then measures. */
export async function run(
  target: Target,
  scenario: Scenario,
  { connections, seconds }: Load,
): Promise<Outcome> {
  const visitors = Array.from({ length: connections }, () => new Visitor(target.origin));
  try {
    const operations = await Promise.all(
      visitors.map((visitor, seat) => prepared(scenario, visitor, seat)),
    );
    const warmUp = await repeat(operations, seconds * WARM_UP_SHARE);
    const [cpuBefore, startedAt] = [target.cpuMilliseconds(), performance.now()];
    const { latencies, errors } = await repeat(operations, seconds);
    const cpu = target.cpuMilliseconds() - cpuBefore;
    return {
      operations: latencies.length,
      total: latencies.length + warmUp.latencies.length,
      errors: errors.length,
      firstError: errors[0],
      seconds: (performance.now() - startedAt) / 1000,
      cpuPerOperation: cpu / latencies.length,
      latencies: latencies.sort((a, b) => a - b),
    };
  } finally {
    await Promise.all(visitors.map((visitor) => visitor.close()));
  }
}

/** A seat that was refused in the rush of all sitting down at once tries again. */
async function prepared(scenario: Scenario, visitor: Visitor, seat: number) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await scenario.prepare(visitor, seat);
    } catch (error) {
      if (attempt === 5) throw error;
      visitor.becomeStranger();
    }
  }
}

async function repeat(operations: readonly (() => Promise<unknown>)[], seconds: number) {
  const until = performance.now() + seconds * 1000;
  const latencies: number[] = [];
  const errors: string[] = [];
  await Promise.all(
    operations.map(async (operation) => {
      while (performance.now() < until) {
        const startedAt = performance.now();
        try {
          await operation();
          latencies.push(performance.now() - startedAt);
        } catch (error) {
          errors.push(error instanceof Error ? error.message : String(error));
          // A broken server answers fast: do not count millions of refusals.
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }
    }),
  );
  return { latencies, errors };
}

/** @param share - 0.5 for the median, 0.99 for p99 */
export const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;

export function median(values: readonly number[]): number {
  return percentile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}
