/** CPU time and memory of processes, read from /proc: what a benchmark charges to whom. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ, which every Linux of today has at 100. */
const MILLISECONDS_PER_TICK = 10;
/** Fields of /proc/<pid>/stat behind the process name, see proc_pid_stat(5). */
const PARENT = 1;
const USER_SYSTEM_AND_REAPED = [11, 12, 13, 14] as const;

/** A process and all that it started, directly or not. */
export function treeOf(root: number): number[] {
  const children = Map.groupBy(processIds(), (pid) => Number(statOf(pid)?.[PARENT]));
  const tree: number[] = [];
  const visit = (pid: number): void => {
    tree.push(pid);
    for (const child of children.get(pid) ?? []) visit(child);
  };
  visit(root);
  return tree;
}

/** CPU milliseconds of a process tree so far, ended children included. */
export function cpuOfTree(root: number): number {
  const ticks = treeOf(root).map((pid) => {
    const stat = statOf(pid);
    return USER_SYSTEM_AND_REAPED.reduce((sum, field) => sum + Number(stat?.[field] ?? 0), 0);
  });
  return ticks.reduce((sum, each) => sum + each, 0) * MILLISECONDS_PER_TICK;
}

/** Resident mebibytes of a process tree; pages that its processes share count for each. */
export function residentMebibytes(root: number): number {
  const kibibytes = treeOf(root).map((pid) => {
    const status = read(`/proc/${pid}/status`);
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status ?? '')?.[1] ?? 0);
  });
  return kibibytes.reduce((sum, each) => sum + each, 0) / 1024;
}

const processIds = () =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** The fields behind the name, which may itself hold spaces and brackets; undefined when it ended. */
function statOf(pid: number): string[] | undefined {
  const line = read(`/proc/${pid}/stat`);
  return line?.slice(line.lastIndexOf(')') + 2).split(' ');
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
