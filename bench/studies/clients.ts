/** Whether ten thousand registered sites cost more than ten: CPU of a token request at each. */
import { round, table } from '../report.ts';
import { median, run } from '../load/run.ts';
import type { Scenario } from '../load/scenarios.ts';
import { shortly } from '../load/sign-in.ts';
import type { BenchOptions } from '../options.ts';
import { startOurs } from '../targets/ours.ts';
import { MACHINE, OPAQUE_API } from '../targets/target.ts';

const FEW = 10;
const MANY = 10_000;

const clientOf = (number: number) => ({ ...MACHINE, client_id: `bench-machine-${number}` });

export async function clients({ rounds, seconds }: BenchOptions): Promise<void> {
  const ours = await startOurs();
  try {
    ours.register(
      Array.from({ length: MANY }, (_, number) => ({
        ...{ ...clientOf(number), client_name: `压测 ${number}`, department: 'bench' },
        allowed_resources: [OPAQUE_API],
      })),
    );
    const cpu = new Map([FEW, MANY].map((count) => [count, [] as number[]]));
    for (let count = 0; count < rounds; count += 1) {
      for (const [many, values] of cpu) {
        const outcome = await run(ours, inTurn(many), { connections: 16, seconds });
        values.push(outcome.cpuPerOperation);
      }
    }
    const lines = [...cpu].map(([many, values]) => [many, round(median(values))]);
    console.log(table([['clients in turn', 'CPU ms per token'], ...lines]));
  } finally {
    await ours.stop();
  }
}

function inTurn(many: number): Scenario {
  let next = 0;
  return {
    ...{ key: 'clients', name: `client credentials of ${many} clients` },
    prepare: (visitor) =>
      Promise.resolve(async () => {
        next = (next + 1) % many;
        const fields = { grant_type: 'client_credentials', resource: OPAQUE_API };
        const answer = await visitor.postAs(clientOf(next), '/token', fields);
        if (answer.status !== 200) throw new Error(shortly(answer));
      }),
  };
}
