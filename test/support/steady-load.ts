/** Requests one after the other on several kept-alive connections until `stop`, noting what failed. */
import { Agent, request, type RequestOptions } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

export interface LoadRequest {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface LoadReport {
  readonly sent: number;
  /** Statuses other than 200, and error codes, each with how often. */
  readonly failures: Readonly<Record<string, number>>;
  readonly longestMilliseconds: number;
}

export class SteadyLoad {
  readonly #agent: Agent;
  readonly #options: RequestOptions;
  readonly #next: () => LoadRequest;
  readonly #connections: Promise<void>[];
  readonly #failures: Record<string, number> = {};
  #sent = 0;
  #longest = 0;
  #isOver = false;

  constructor(options: {
    readonly port: number;
    readonly connections: number;
    readonly host: string;
    readonly next: () => LoadRequest;
  }) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: options.connections });
    this.#options = { host: '127.0.0.1', port: options.port, agent: this.#agent };
    this.#next = () => {
      const wanted = options.next();
      return { ...wanted, headers: { ...wanted.headers, host: options.host } };
    };
    this.#connections = Array.from({ length: options.connections }, () => this.#run());
  }

  get sent(): number {
    return this.#sent;
  }

  async stop(): Promise<LoadReport> {
    this.#isOver = true;
    await Promise.all(this.#connections);
    this.#agent.destroy();
    const longestMilliseconds = Math.round(this.#longest);
    return { sent: this.#sent, failures: this.#failures, longestMilliseconds };
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      const startedAt = performance.now();
      const outcome = await this.#send(this.#next());
      this.#sent += 1;
      this.#longest = Math.max(this.#longest, performance.now() - startedAt);
      // The machine is shared with what is tested.
      await pause(3);
      if (outcome !== '200') this.#failures[outcome] = (this.#failures[outcome] ?? 0) + 1;
    }
  }

  #send({ path, method = 'GET', headers = {}, body }: LoadRequest): Promise<string> {
    return new Promise((resolve) => {
      const sending = request({ ...this.#options, path, method, headers }, (answer) => {
        answer.resume();
        answer.once('end', () => resolve(String(answer.statusCode)));
        answer.once('error', () => resolve('cut'));
      });
      sending.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      sending.end(body);
    });
  }
}
