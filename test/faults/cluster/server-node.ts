/** One node: the server as an operator starts it, in production mode, a process of its own. */
import { fileURLToPath } from 'node:url';
import type { Machine, RunningProcess } from './machine.ts';
import { until } from './until.ts';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));

export interface NodePlace {
  readonly name: string;
  readonly port: number;
  readonly probesPort: number;
}

export class ServerNode {
  readonly place: NodePlace;
  readonly #machine: Machine;
  readonly #env: Readonly<Record<string, string>>;
  #process: RunningProcess | undefined;

  constructor(machine: Machine, place: NodePlace, env: Readonly<Record<string, string>>) {
    this.place = place;
    this.#machine = machine;
    this.#env = {
      ...env,
      YRT_LISTEN_PORT: String(place.port),
      YRT_PROBES_PORT: String(place.probesPort),
    };
  }

  /** Resolves when it is ready for traffic. */
  async start(): Promise<void> {
    const node = this.#machine.start({
      name: this.place.name,
      command: process.execPath,
      args: ['--no-wasm-code-gc', MAIN],
      env: this.#env,
    });
    this.#process = node;
    const { name, probesPort } = this.place;
    const giveUp = () => !node.isRunning;
    await until(`${name} is ready (${this.#machine.logOf(name)})`, () => isReady(probesPort), {
      giveUp,
    });
  }

  async kill(): Promise<void> {
    this.#process?.signal('SIGKILL');
    await this.#process?.ended;
  }

  /** SIGTERM, as a supervisor does. @throws Error when it does not end with 0 */
  async stop(): Promise<void> {
    this.#process?.signal('SIGTERM');
    await this.#process?.ended;
    const code = this.#process?.exitCode ?? null;
    if (code !== 0) throw new Error(`${this.place.name} ended with ${String(code)}`);
  }
}

const isReady = (probesPort: number) =>
  fetch(`http://127.0.0.1:${probesPort}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  );
