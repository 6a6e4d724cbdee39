/** The table, a line as soon as its fault is over, and what was wrong below it. */
import { hasFailed, summaryOf } from './load/recorder.ts';
import type { Row } from './trial.ts';

const COLUMNS = [
  ['fault', 22],
  ['requests', 9],
  ['failed', 7],
  ['after retry', 12],
  ['begun anew', 11],
  ['longest ms', 11],
  ['recovery s', 11],
  ['late ms', 8],
  ['verdict', 8],
] as const;

export function printHead(): void {
  printLine(COLUMNS.map(([title]) => title));
  printLine(COLUMNS.map(([, width]) => '-'.repeat(width - 1)));
}

export function printRow(row: Row): void {
  const { requests } = row;
  const last = requests.failures.filter(({ isLast }) => isLast);
  printLine([
    row.fault,
    requests.samples.length,
    requests.failures.filter(({ attempt }) => attempt === 1).length,
    last.length,
    row.losses.length,
    Math.round(requests.longestMilliseconds),
    row.recoverySeconds.toFixed(1),
    Math.round(row.lateMilliseconds),
    row.problems.length === 0 ? 'ok' : 'BROKEN',
  ]);
  for (const problem of row.problems) console.log(`    ! ${problem}`);
}

/** What failed, by route, whether it was allowed to or not. */
export function printDetails({ requests, losses }: Row): void {
  for (const [what, count] of summaryOf(requests.samples.filter(hasFailed))) {
    console.log(`      ${String(count).padStart(5)} ${what}`);
  }
  for (const loss of new Set(losses)) {
    console.log(
      `      ${String(losses.filter((one) => one === loss).length).padStart(5)} lost: ${loss}`,
    );
  }
}

function printLine(cells: readonly (string | number)[]): void {
  const padded = cells.map((cell, index) => {
    const width = COLUMNS[index]?.[1] ?? 0;
    return index === 0 ? String(cell).padEnd(width) : String(cell).padStart(width);
  });
  console.log(padded.join(''));
}
