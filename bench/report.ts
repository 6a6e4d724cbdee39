/** Prints the comparison, and writes it where other programs look. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

export interface Row {
  readonly name: string;
  /** CPU milliseconds per operation, stores included. */
  readonly ours_cpu_ms: number;
  readonly bare_cpu_ms: number;
  /** ours / bare */
  readonly ratio: number;
  /** Operations per second of one core. */
  readonly ours_per_core: number;
  /** Of one connection alone, in milliseconds. */
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly memory_cpu_ms: number;
  /** Of 64 connections at once. */
  readonly errors_at_64: number;
  readonly p99_at_64_ms: number;
}

const FILE = fileURLToPath(new URL('results/latest.json', import.meta.url));

export function report(rows: readonly Row[]): void {
  print(rows);
  mkdirSync(new URL('results', import.meta.url), { recursive: true });
  const result = { machine: machine(), versions: versions(), rows };
  writeFileSync(FILE, `${JSON.stringify(result, null, 2)}\n`);
}

function print(rows: readonly Row[]): void {
  const head = [
    ...['', 'ours', 'bare', 'memory', 'ours/bare', 'per core', 'p50', 'p99', 'p99@64', 'errors@64'],
  ];
  const lines = rows.map((row) => [
    ...[row.name, row.ours_cpu_ms, row.bare_cpu_ms, row.memory_cpu_ms, `${row.ratio} ×`],
    ...[row.ours_per_core, row.p50_ms, row.p99_ms, row.p99_at_64_ms, row.errors_at_64],
  ]);
  console.log(table([head, ...lines]));
  console.log('CPU in ms per operation, stores included; p50, p99 in ms, one connection alone.');
}

/** Lines of cells, the first column to the left, the others to the right. */
export function table(lines: readonly (readonly (string | number)[])[]): string {
  const cells = lines.map((line) => line.map(String));
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(...cells.map((line) => line[column]?.length ?? 0)),
  );
  const fit = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0);
  return cells.map((line) => line.map(fit).join('  ')).join('\n');
}

/** Three significant digits: more would be noise. */
export const round = (value: number): number => Number(value.toPrecision(3));

function machine() {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memory_gib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
  };
}

function versions() {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  const { dependencies } = JSON.parse(manifest) as { dependencies: Record<string, string> };
  return {
    node: process.versions.node,
    'oidc-provider': dependencies['oidc-provider'],
    ioredis: dependencies['ioredis'],
    pg: dependencies['pg'],
  };
}
