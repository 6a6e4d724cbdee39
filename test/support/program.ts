/** The server as an operator starts it, `node src/main.ts …`: a process of its own with its own keys. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from './test-server.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export interface ProgramOptions {
  readonly databaseUrl?: string | undefined;
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export class Program {
  readonly port: number;
  readonly probePort: number;
  readonly #directory = mkdtempSync(join(tmpdir(), 'yrt-program-'));
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #output = '';

  private constructor(options: ProgramOptions, [port, probePort]: readonly [number, number]) {
    this.port = port;
    this.probePort = probePort;
    const env = {
      NODE_ENV: 'test',
      ISSUER: `http://localhost:${port}`,
      YRT_TEST_REALM: `localhost:${port}`,
      YRT_LISTEN_PORT: String(port),
      YRT_PROBES_PORT: String(probePort),
      YRT_KEYS_DIRECTORY: join(this.#directory, 'keys'),
      YRT_DATA_DIRECTORY: join(this.#directory, 'data'),
      ...(options.databaseUrl !== undefined && { DATABASE_URL: options.databaseUrl }),
      ...options.environment,
    };
    this.#child = spawn(process.execPath, [MAIN, ...(options.args ?? [])], { env });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    }
    this.#ended = once(this.#child, 'close').then(([code]) => {
      rmSync(this.#directory, { recursive: true, force: true });
      return code as number | null;
    });
  }

  static async start(options: ProgramOptions): Promise<Program> {
    return new Program(options, [await freePort(), await freePort()]);
  }

  get issuer(): string {
    return `http://localhost:${this.port}`;
  }

  /** Everything it printed, and its workers. */
  get output(): string {
    return this.#output;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** @returns the exit code */
  ended(): Promise<number | null> {
    return this.#ended;
  }

  /** @throws Error with what it printed when the text does not come in time */
  async prints(text: string, milliseconds = 50_000): Promise<void> {
    const until = performance.now() + milliseconds;
    while (!this.#output.includes(text)) {
      if (performance.now() > until) throw new Error(`no “${text}” in:\n${this.#output}`);
      await pause(20);
    }
  }

  /** @returns status and text of a path of the probe listener; status 0 when nothing listens */
  async probe(path: string): Promise<{ status: number; text: string }> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.probePort}${path}`);
      return { status: answer.status, text: (await answer.text()).trim() };
    } catch {
      return { status: 0, text: '' };
    }
  }

  /** The value of a metric without labels, of the whole machine. */
  async metric(name: string): Promise<number> {
    const { text } = await this.probe('/metrics');
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
    return Number(line?.slice(name.length) ?? Number.NaN);
  }
}
