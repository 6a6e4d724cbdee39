/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** `compare`, or the name of a study. */
  readonly command: string;
  /** Rows by their short names; all when empty. */
  readonly only: readonly string[];
  readonly rounds: number;
  /** Length of one measurement. */
  readonly seconds: number;
  /** Write a CPU profile of our server under this row instead. */
  readonly profile: string | undefined;
}

/** @throws Error for what it does not know */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      only: { type: 'string', default: '' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '3' },
      profile: { type: 'string' },
    },
  });
  return {
    command: positionals[0] ?? 'compare',
    only: values.only.split(',').filter((name) => name !== ''),
    rounds: positive('rounds', values.rounds),
    seconds: positive('seconds', values.seconds),
    profile: values.profile,
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0`);
  return value;
}
