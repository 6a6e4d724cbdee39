/**
 * Makes a file of synthetic accounts for `account import`: valid numbers of nobody, each account
 * another, the same file for the same arguments.
 *
 *   node bin/run.mjs bench/make-accounts.ts 1000000 > accounts.ndjson
 *   node bin/run.mjs bench/make-accounts.ts COUNT [FIRST]
 */
import { once } from 'node:events';
import { syntheticAccount } from './synthetic-accounts.ts';

const LINES_AT_ONCE = 1000;

const [count = NaN, first = 0] = process.argv.slice(2).map(Number);
if (!Number.isSafeInteger(count) || !Number.isSafeInteger(first)) {
  console.error('Usage: bench/make-accounts.ts COUNT [FIRST]');
  process.exit(2);
}
for (let done = 0; done < count; done += LINES_AT_ONCE) {
  const lines = Array.from({ length: Math.min(LINES_AT_ONCE, count - done) }, (_, place) =>
    JSON.stringify(syntheticAccount(first + done + place)),
  );
  if (!process.stdout.write(`${lines.join('\n')}\n`)) await once(process.stdout, 'drain');
}
