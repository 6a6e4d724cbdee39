/** A process that the benchmark starts and ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { openSync } from 'node:fs';

const STOP_MILLISECONDS = 20_000;

export interface Child {
  readonly pid: number;
  stop(): Promise<void>;
}

export interface ChildOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** File for what it prints; nowhere when absent. */
  readonly output?: string;
  /** Is it ready? Asked every 50 ms. */
  readonly isReady: () => Promise<boolean>;
  readonly stopSignal?: NodeJS.Signals;
}

/** @throws Error with what it printed when it ends, or is not ready within 30 s */
export async function startChild(
  command: readonly string[],
  { isReady, stopSignal = 'SIGTERM', output, ...options }: ChildOptions,
): Promise<Child> {
  const [program = '', ...args] = command;
  const printed = output === undefined ? 'ignore' : openSync(output, 'a');
  const child = spawn(program, args, { ...options, stdio: ['ignore', printed, 'pipe'] });
  process.once('exit', () => child.kill('SIGKILL'));
  let complaints = '';
  child.stderr?.on('data', (text: Buffer) => {
    complaints = `${complaints}${text.toString()}`.slice(-4000);
  });
  await untilReady(child, isReady, () => `${command.join(' ')}\n${complaints}`);
  return { pid: child.pid ?? 0, stop: () => stop(child, stopSignal) };
}

async function untilReady(
  child: ChildProcess,
  isReady: () => Promise<boolean>,
  story: () => string,
): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!(await isReady().catch(() => false))) {
    if (child.exitCode !== null) throw new Error(`ended at once: ${story()}`);
    if (performance.now() > deadline) throw new Error(`not ready: ${story()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      resolve();
      return;
    }
    const cut = setTimeout(() => child.kill('SIGKILL'), STOP_MILLISECONDS);
    child.once('exit', () => {
      clearTimeout(cut);
      resolve();
    });
    child.kill(signal);
  });
}
