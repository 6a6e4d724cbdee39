/**
 * Prints and enforces the budgets of the code: file length, import cycles, `any`, lint suppressions.
 * Function length and parameters are lint rules; here is what lint cannot count across files.
 */
import { readFileSync } from 'node:fs';
import { globSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const MAX_FILE_LINES = 300;
const GOOD_FILE_LINES = 250;
const MAX_SUPPRESSIONS = 5;
const MAX_TEMPLATE_LINES = 80;
const MAX_README_LINES = 150;

const sources = globSync('{src,test,scripts,examples,bench}/**/*.ts', {
  exclude: (name) => name === 'node_modules',
}).map(normalize);
const text = new Map(sources.map((file) => [file, readFileSync(file, 'utf8')]));
const lines = (content: string) => content.split('\n').length - 1;
const problems: string[] = [];

function importsOf(file: string): string[] {
  const found = [...(text.get(file) ?? '').matchAll(/^(?:import|export)\s[^;]*?from '([^']+)'/gms)]
    // A type-only import is gone at run time and cannot make a cycle.
    .filter((match) => !match[0].startsWith('import type') && !match[0].startsWith('export type'))
    .map((match) => match[1] ?? '');
  return found
    .map((name) => (name.startsWith('#') ? join('src', name.slice(1)) : join(dirname(file), name)))
    .map(normalize)
    .filter((name) => text.has(name));
}

/** Depth-first search; a file met again on the current path closes a cycle. */
function findCycles(): string[][] {
  const done = new Set<string>();
  const cycles: string[][] = [];
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) cycles.push([...path.slice(start), file]);
    if (start >= 0 || done.has(file)) return;
    for (const next of importsOf(file)) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of sources) visit(file, []);
  return cycles;
}

const long: string[] = [];
for (const [file, content] of text) {
  const count = lines(content);
  if (count > MAX_FILE_LINES) problems.push(`${file}: ${count} lines (at most ${MAX_FILE_LINES})`);
  else if (count > GOOD_FILE_LINES) long.push(`${file} (${count})`);
}
for (const template of globSync('views/**/*.eta')) {
  const count = lines(readFileSync(template, 'utf8'));
  if (count > MAX_TEMPLATE_LINES) problems.push(`${template}: ${count} lines (at most 80)`);
}
for (const readme of globSync('README.md')) {
  const count = lines(readFileSync(readme, 'utf8'));
  if (count > MAX_README_LINES) problems.push(`${readme}: ${count} lines (at most 150)`);
}
const cycles = findCycles();
for (const cycle of cycles) problems.push(`import cycle: ${cycle.join(' → ')}`);
const suppressions = [...text]
  .flatMap(([file, content]) =>
    [...content.matchAll(/(?:eslint-disable|@ts-(?:ignore|expect-error|nocheck))/g)].map(
      () => file,
    ),
  )
  .filter((file) => file !== normalize('scripts/check-budgets.ts'));
if (suppressions.length > MAX_SUPPRESSIONS) {
  problems.push(
    `${suppressions.length} lint suppressions (at most ${MAX_SUPPRESSIONS}): ${suppressions.join(', ')}`,
  );
}

const inSource = sources.filter((file) => file.startsWith('src'));
const total = inSource.reduce((sum, file) => sum + lines(text.get(file) ?? ''), 0);
console.log(
  `budgets: ${inSource.length} files in src/, ${total} lines, longest ${Math.max(0, ...inSource.map((file) => lines(text.get(file) ?? '')))}; ${cycles.length} import cycles; ${suppressions.length} lint suppressions`,
);
if (long.length > 0) console.log(`over ${GOOD_FILE_LINES} lines: ${long.join(', ')}`);
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exitCode = 1;
}
