/**
 * `npm run faults`: starts a whole cluster of its own, hurts it in every way of the catalogue while
 * people use it, and prints what they noticed. Exits with 1 when an invariant broke or DESIGN §11's
 * limits were not met. Writes nothing but its output; what it started ends with it.
 */
import { availableParallelism, loadavg } from 'node:os';
import { Machine } from './cluster/machine.ts';
import { startCluster, stopCluster } from './cluster/cluster.ts';
import { readOptions, type Options } from './options.ts';
import { printDetails, printHead, printRow } from './report.ts';
import { runTrial } from './trial.ts';

async function main(options: Options, machine: Machine): Promise<number> {
  const { seed, seconds, operationsPerSecond, patience } = options;
  const [load = 0] = loadavg();
  console.log(`seed ${seed}, faults of ${seconds} s, ${operationsPerSecond} operations per second`);
  console.log(
    `${availableParallelism()} cores, load average ${load.toFixed(1)}` +
      `${patience === 1 ? '' : `, limits in time × ${patience}`}\n`,
  );
  const cluster = await startCluster(machine, options.redis);
  printHead();
  let broken = 0;
  try {
    for (const fault of options.faults) {
      const row = await runTrial(cluster, fault, options);
      if (row.problems.length > 0) broken += 1;
      printRow(row);
      if (row.problems.length > 0) printDetails(row);
    }
  } finally {
    await stopCluster(cluster);
  }
  console.log(
    `\n${options.faults.length - broken} passed, ${broken} failed (seed ${options.seed})`,
  );
  return broken === 0 ? 0 : 1;
}

const options = readOptions(process.argv.slice(2));
const machine = new Machine();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => void machine.stop().finally(() => process.exit(130)));
}
try {
  process.exitCode = await main(options, machine);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  if (options.keep) console.log(`logs: ${machine.directory}/logs`);
  await machine.stop(options);
}
process.exit();
