/** Resident memory of a node: idle after the start, and under a mixture of rows. */
import { setTimeout as pause } from 'node:timers/promises';
import { run } from '../load/run.ts';
import { chosen } from '../load/scenarios.ts';
import { residentMebibytes } from '../machine/processes.ts';
import type { BenchOptions } from '../options.ts';
import { table } from '../report.ts';
import { startOurs } from '../targets/ours.ts';

const SAMPLES = 10;

/** @param options - `seconds` per sample; ten samples are taken under load */
export async function memory({ seconds, only }: BenchOptions): Promise<void> {
  const ours = await startOurs();
  const now = () => Math.round(residentMebibytes(ours.pid));
  try {
    await pause(2000);
    const lines: (string | number)[][] = [['idle', now()]];
    const scenarios = chosen(only.length > 0 ? only : ['sso', 'refresh', 'introspection']);
    for (let sample = 1; sample <= SAMPLES; sample += 1) {
      await Promise.all(
        scenarios.map((scenario) => run(ours, scenario, { connections: 8, seconds })),
      );
      lines.push([`after ${sample * seconds} s of load`, now()]);
    }
    console.log(table([['', 'MiB resident, launcher included'], ...lines]));
  } finally {
    await ours.stop();
  }
}
