/** CPU of a sign-in that succeeds, one that fails, one that is refused unheard; pages included. */
import { round, table } from '../report.ts';
import { median, run } from '../load/run.ts';
import { nextCitizen, type Scenario } from '../load/scenarios.ts';
import { enterPassword, openPasswordPage, shortly } from '../load/sign-in.ts';
import type { Visitor } from '../load/visitor.ts';
import type { BenchOptions } from '../options.ts';
import { startOurs } from '../targets/ours.ts';

const KINDS: readonly Scenario[] = [
  attempt('the page alone', async (visitor) => {
    visitor.becomeStranger();
    expect(200, await openPasswordPage(visitor));
  }),
  attempt('right', async (visitor) => {
    visitor.becomeStranger();
    expect(303, await enterPassword(visitor, await openPasswordPage(visitor), nextCitizen()));
  }),
  attempt('wrong', async (visitor) => {
    visitor.becomeStranger();
    const page = await openPasswordPage(visitor);
    expect(422, await enterPassword(visitor, page, nextCitizen(), 'Wrong-Answer-1'));
  }),
  {
    ...{ key: 'limited', name: 'rate-limited' },
    async prepare(visitor) {
      const page = await openPasswordPage(visitor);
      const again = () => enterPassword(visitor, page, nextCitizen(), 'Wrong-Answer-1');
      while ((await again()).status !== 429);
      return async () => expect(429, await again());
    },
  },
];

export async function signIns({ rounds, seconds }: BenchOptions): Promise<void> {
  const ours = await startOurs();
  try {
    const cpu = new Map(KINDS.map((kind) => [kind, [] as number[]]));
    for (let count = 0; count < rounds; count += 1) {
      for (const [kind, values] of cpu) {
        const outcome = await run(ours, kind, { connections: 4, seconds });
        if (outcome.errors > 0) console.error(`${kind.name}: ${outcome.firstError ?? ''}`);
        values.push(outcome.cpuPerOperation);
      }
    }
    const lines = [...cpu].map(([{ name }, values]) => [name, round(median(values))]);
    console.log(table([['sign-in', 'CPU ms'], ...lines]));
  } finally {
    await ours.stop();
  }
}

function attempt(name: string, operation: (visitor: Visitor) => Promise<void>): Scenario {
  return { key: name, name, prepare: (visitor) => Promise.resolve(() => operation(visitor)) };
}

function expect(status: number, answer: { status: number; text: string }): void {
  if (answer.status !== status) throw new Error(`not ${status}: ${shortly(answer)}`);
}
