/** A TCP proxy in front of a server, so that a test can cut the line, mend it, or lead it elsewhere. */
import {
  createConnection,
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';

export interface TcpTarget {
  readonly host: string;
  readonly port: number;
}

export class TcpProxy {
  #target: TcpTarget;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #isFrozen = false;

  constructor(target: TcpTarget) {
    this.#target = target;
  }

  /** Starts listening, on the port it had before if it was cut. @returns the port */
  async open(): Promise<number> {
    const server = createServer((client) => this.#join(client));
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', () => resolve()));
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
    return this.#port;
  }

  /** Drops every connection and refuses new ones. */
  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.#server?.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** New connections go there; those that are open stay where they are. */
  switchTo(target: TcpTarget): void {
    this.#target = target;
  }

  /** As a stopped process: connections stay and are accepted, and nothing is answered. */
  freeze(): void {
    this.#isFrozen = true;
    for (const pair of this.#pairs) separate(pair);
  }

  thaw(): void {
    this.#isFrozen = false;
    for (const [one, other] of this.#pairs) one.pipe(other).pipe(one);
  }

  #join(client: Socket): void {
    const upstream = createConnection(this.#target);
    const pair = [client, upstream] as const;
    this.#pairs.add(pair);
    for (const socket of pair) {
      this.#sockets.add(socket);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        this.#pairs.delete(pair);
      });
    }
    joinSockets(client, upstream);
    if (this.#isFrozen) separate(pair);
  }
}

function separate([one, other]: readonly [Socket, Socket]): void {
  one.unpipe(other);
  other.unpipe(one);
}

/** Carries bytes both ways until either side ends or fails; then both are closed. */
export function joinSockets(client: Socket, upstream: Socket): void {
  for (const [from, to] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    from.on('error', () => from.destroy());
    from.on('close', () => to.destroy());
    from.pipe(to);
  }
}
