/**
 * A TCP balancer as small as one can be: one node after the other, those that say on /readyz that
 * they are ready, or all when none does; a connection that is refused is tried on the next one.
 */
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { joinSockets } from '../../support/tcp-proxy.ts';

const PROBE_MILLISECONDS = 250;
const PROBE_TIMEOUT_MILLISECONDS = 1000;

export interface Backend {
  readonly port: number;
  readonly probesPort: number;
}

export class Balancer {
  readonly #backends: readonly Backend[];
  readonly #unready = new Set<Backend>();
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  readonly #probing: NodeJS.Timeout;
  #turn = 0;

  constructor(backends: readonly Backend[]) {
    this.#backends = backends;
    this.#server = createServer((client) => this.#accept(client));
    this.#probing = setInterval(() => void this.probe(), PROBE_MILLISECONDS);
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', () => resolve()));
  }

  /** Asks every node now; otherwise it happens four times a second. */
  async probe(): Promise<void> {
    await Promise.all(
      this.#backends.map(async (backend) => {
        if (await isReady(backend)) this.#unready.delete(backend);
        else this.#unready.add(backend);
      }),
    );
  }

  async stop(): Promise<void> {
    clearInterval(this.#probing);
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(client: Socket): void {
    this.#sockets.add(client);
    client.on('close', () => this.#sockets.delete(client));
    client.on('error', () => client.destroy());
    this.#turn += 1;
    const ready = this.#backends.filter((backend) => !this.#unready.has(backend));
    const choice = ready.length > 0 ? ready : this.#backends;
    const first = this.#turn % choice.length;
    this.#connect(client, [...choice.slice(first), ...choice.slice(0, first)]);
  }

  #connect(client: Socket, [backend, ...others]: readonly Backend[]): void {
    if (!backend || client.destroyed) {
      client.destroy();
      return;
    }
    const upstream = createConnection({ host: '127.0.0.1', port: backend.port });
    const tryNext = () => this.#connect(client, others);
    upstream.once('error', tryNext);
    upstream.once('connect', () => {
      upstream.off('error', tryNext);
      joinSockets(client, upstream);
    });
  }
}

async function isReady({ probesPort }: Backend): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(PROBE_TIMEOUT_MILLISECONDS);
    return (await fetch(`http://127.0.0.1:${probesPort}/readyz`, { signal })).ok;
  } catch {
    return false;
  }
}
