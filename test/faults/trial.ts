/** One fault from beginning to end: load, fault, healing, load, judgement; a row of the table. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from './cluster/cluster.ts';
import { disappointments } from './expectation.ts';
import { patiently, type Expectation, type Fault } from './fault.ts';
import { judge } from './invariants/aftermath.ts';
import { LimitsWatch } from './invariants/limits.ts';
import { Journal } from './load/journal.ts';
import { Load } from './load/load.ts';
import type { Stage } from './load/operations.ts';
import { People } from './load/people.ts';
import { SeededRandom } from './load/random.ts';
import { Recorder } from './load/recorder.ts';
import type { Options } from './options.ts';
import { Sites } from './load/sites.ts';
import { Wire } from './load/wire.ts';

export type TrialOptions = Pick<Options, 'seed' | 'seconds' | 'operationsPerSecond' | 'patience'>;

export interface Row {
  readonly fault: string;
  /** Every request from the first of the load to the last. */
  readonly requests: Recorder;
  /** From healing until nothing failed any more. */
  readonly recoverySeconds: number;
  /** What people had to begin anew. */
  readonly losses: Journal['losses'];
  /** What broke an invariant or an expectation, in words; empty when all is well. */
  readonly problems: readonly string[];
  /** How late the load itself was at worst: what the machine, not the server, adds to a request. */
  readonly lateMilliseconds: number;
}

const CITIZENS = 60;
const SESSIONS = 30;
/** Before the fault, and after what the recovery may take. */
const STEADY_SECONDS = 2;

export async function runTrial(
  cluster: Cluster,
  fault: Fault,
  options: TrialOptions,
): Promise<Row> {
  const expected = patiently(fault.expected, options.patience);
  const recorder = new Recorder();
  const wire = new Wire(cluster.port, recorder);
  try {
    const stage = await prepareStage(cluster, wire, options.seed);
    const load = new Load(stage, options.operationsPerSecond);
    await load.fill(SESSIONS);
    const limits = await watchLimits(cluster, stage, wire);
    recorder.cut();

    const healedAt = await suffer(
      { cluster, stage },
      { fault, expected, load, recorder, seconds: options.seconds },
    );
    const requests = recorder.cut();
    const recoverySeconds = requests.recoverySecondsFrom(healedAt);
    const { losses } = stage.journal;
    const problems = [
      ...disappointments(expected, { requests, recoverySeconds, losses }),
      ...(await limits.after(expected)),
      ...(await judge(cluster, stage)),
    ];
    await fault.restore?.(cluster);
    const lateMilliseconds = load.latestMilliseconds;
    return { fault: fault.name, requests, recoverySeconds, losses, problems, lateMilliseconds };
  } finally {
    await wire.close();
  }
}

async function prepareStage({ service }: Cluster, wire: Wire, seed: number): Promise<Stage> {
  const sites = new Sites(service, wire);
  return {
    sites,
    people: new People(wire, sites),
    journal: new Journal(),
    random: new SeededRandom(seed),
    citizens: await service.addCitizens(CITIZENS),
  };
}

async function watchLimits({ service }: Cluster, stage: Stage, wire: Wire): Promise<LimitsWatch> {
  const [victim] = await service.addCitizens(1);
  if (!victim) throw new Error('There is nobody to watch.');
  const limits = new LimitsWatch({ ...stage, victim, address: wire.newAddress() });
  await limits.before();
  return limits;
}

interface Suffering {
  readonly fault: Fault;
  readonly expected: Expectation;
  readonly load: Load;
  readonly recorder: Recorder;
  readonly seconds: number;
}

/** The load runs; the fault comes and goes. @returns the moment at which its cause was gone */
async function suffer(
  { cluster, stage }: { cluster: Cluster; stage: Stage },
  { fault, expected, load, recorder, seconds }: Suffering,
): Promise<number> {
  load.start();
  await sleep(STEADY_SECONDS * 1000);
  const heal = await fault.inject(cluster, stage);
  await sleep(seconds * 1000);
  await heal();
  const healedAt = performance.now();
  await untilQuiet(recorder, healedAt + (expected.recoverySeconds + STEADY_SECONDS) * 1000);
  await load.stop();
  return healedAt;
}

/** Until nothing has failed for a while, or a moment is over. */
async function untilQuiet(recorder: Recorder, end: number): Promise<void> {
  let quietSince = performance.now();
  while (performance.now() < Math.min(end, quietSince + STEADY_SECONDS * 1000)) {
    await sleep(100);
    quietSince = Math.max(quietSince, recorder.lastFailureAt);
  }
}
