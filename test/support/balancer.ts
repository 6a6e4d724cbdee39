/**
 * A load balancer as it stands before several nodes: takes turns among those whose /readyz says so,
 * keeps connections to them open, sends nothing twice.
 */
import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Node {
  readonly port: number;
  readonly probePort: number;
}

const PROBE_MILLISECONDS = 100;

export class Balancer {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #server = createServer((incoming, outgoing) => this.#pass(incoming, outgoing));
  readonly #nodes = new Set<Node>();
  #ready: Node[] = [];
  #turn = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @returns the port to send requests to */
  async open(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', () => resolve()));
    this.#timer = setInterval(() => void this.#probe(), PROBE_MILLISECONDS);
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resolves once the node is found ready. */
  async add(node: Node): Promise<void> {
    this.#nodes.add(node);
    await this.#probe();
    if (!this.#ready.includes(node)) throw new Error(`the node on ${node.port} is not ready`);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    this.#agent.destroy();
    await closed;
  }

  async #probe(): Promise<void> {
    const verdicts = await Promise.all(
      [...this.#nodes].map(async (node) => {
        const url = `http://127.0.0.1:${node.probePort}/readyz`;
        const isReady = await fetch(url).then(
          ({ status }) => status === 200,
          () => false,
        );
        return { node, isReady };
      }),
    );
    this.#ready = verdicts.filter(({ isReady }) => isReady).map(({ node }) => node);
  }

  #pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    this.#turn += 1;
    const node = this.#ready[this.#turn % this.#ready.length];
    if (!node) return void outgoing.writeHead(503).end();
    const { url, method, headers } = incoming;
    const sending = request(
      { host: '127.0.0.1', port: node.port, path: url, method, headers, agent: this.#agent },
      (answer) => {
        // Of this hop only (RFC 9110 §7.6.1).
        for (const name of ['connection', 'keep-alive'])
          Reflect.deleteProperty(answer.headers, name);
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    sending.once('error', () => outgoing.headersSent || outgoing.writeHead(502).end());
    incoming.pipe(sending);
  }
}
