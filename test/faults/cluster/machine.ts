/**
 * Everything that a run puts on this machine: a folder under the system's temporary one, and
 * processes, each known by its id. `stop` ends and removes all of it; should the run itself be
 * killed, the kernel ends the processes (setpriv --pdeathsig).
 */
import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Start {
  /** Also the name of its log. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** PostgreSQL refuses to run as root. */
  readonly asPostgres?: boolean;
}

const isRoot = process.getuid?.() === 0;
const POSTGRES_USER = ['--reuid=postgres', '--regid=postgres', '--clear-groups'];

export class Machine {
  readonly directory = mkdtempSync(join(tmpdir(), 'yrt-faults-'));
  readonly #running = new Set<RunningProcess>();

  constructor() {
    chmodSync(this.directory, 0o711);
    this.folder('logs');
  }

  /** A new folder in the run's own. @returns its path */
  folder(name: string, owner: 'us' | 'postgres' = 'us'): string {
    const path = join(this.directory, name);
    mkdirSync(path, { mode: 0o700 });
    if (owner === 'postgres' && isRoot) spawnSync('chown', ['postgres:', path]);
    return path;
  }

  logOf(name: string): string {
    return join(this.directory, 'logs', `${name}.log`);
  }

  start({ name, command, args, env, asPostgres = false }: Start): RunningProcess {
    const user = asPostgres && isRoot ? POSTGRES_USER : [];
    const log = openSync(this.logOf(name), 'a');
    const child = spawn('setpriv', [...user, '--pdeathsig=KILL', command, ...args], {
      ...(env && { env: { PATH: process.env['PATH'], ...env } }),
      cwd: asPostgres ? '/' : process.cwd(),
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const running = new RunningProcess(name, child);
    this.#running.add(running);
    void running.ended.then(() => this.#running.delete(running));
    return running;
  }

  /** Runs a command to its end. @returns what it printed @throws when it fails */
  async run(command: string, args: readonly string[], asPostgres = false): Promise<string> {
    const user = asPostgres && isRoot ? ['setpriv', ...POSTGRES_USER] : [];
    const [file = command, ...rest] = [...user, command, ...args];
    const { stdout } = await promisify(execFile)(file, rest, { cwd: '/' });
    return stdout;
  }

  /** @param keep - leave the folder, for whoever wants to read the logs */
  async stop({ keep = false } = {}): Promise<void> {
    const running = [...this.#running];
    for (const process of running) process.signalTree('SIGKILL');
    await Promise.all(running.map(({ ended }) => ended));
    if (!keep) await rm(this.directory, { recursive: true, force: true });
  }
}

export class RunningProcess {
  readonly name: string;
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;

  constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
    this.ended = once(child, 'exit').then(() => undefined);
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The exit code; null while it runs or when a signal ended it. */
  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** The process and its children: a database server is one process per connection. */
  signalTree(signal: NodeJS.Signals): void {
    const children = this.isRunning ? childrenOf(this.#child.pid ?? 0) : [];
    this.signal(signal);
    for (const pid of children) trySignal(pid, signal);
  }
}

function childrenOf(pid: number): number[] {
  try {
    const listed = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return listed === '' ? [] : listed.split(' ').map(Number);
  } catch {
    return [];
  }
}

function trySignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself meanwhile.
  }
}
