/**
 * The public listener: hands requests to the application, knows what is in flight, and leaves without
 * breaking a request (DESIGN §11). server.ts makes the one of a process.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface StopTimes {
  /** Between "unready" and "stop accepting": as long as a balancer needs to notice. */
  readonly waitMilliseconds: number;
  /** How long requests in flight may take before their connections are cut. */
  readonly drainMilliseconds: number;
}

const TIMEOUTS = {
  requestTimeout: 10_000,
  headersTimeout: 10_000,
  // Longer than a reverse proxy keeps its side, so that it never sends into a closing connection.
  keepAliveTimeout: 75_000,
};
/** A connection that never sent a byte (browsers open them ahead) is not worth waiting for longer. */
const SILENT_MILLISECONDS = 1000;

export class Listener {
  readonly #server: Server;
  readonly #inFlight = new Set<ServerResponse>();
  readonly #sockets = new Set<Socket>();
  #isLeaving = false;

  constructor(handle: RequestHandler) {
    this.#server = createServer(TIMEOUTS, (request, response) => {
      this.#follow(response);
      handle(request, response);
    });
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /** @throws the listener's error, e.g. when the port is taken */
  async listen({ address, port }: { address: string; port: number }): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, address, () => resolve());
    });
  }

  /** The port that is listened on, for a setting of 0. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Requests that were begun and not answered in full. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /**
   * Answers go on with `Connection: close` for the wait, then nothing more is accepted, and what is
   * in flight finishes. Whoever keeps a connection open has been told on it not to use it again, or
   * has been silent for the whole wait.
   */
  async stop({ waitMilliseconds, drainMilliseconds }: StopTimes): Promise<void> {
    this.#isLeaving = true;
    for (const response of this.#inFlight) response.shouldKeepAlive = false;
    if (waitMilliseconds > 0) await pause(waitMilliseconds);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const timers = [
      setTimeout(() => this.#destroySilent(), SILENT_MILLISECONDS),
      setTimeout(() => this.#server.closeAllConnections(), drainMilliseconds),
    ];
    await closed;
    for (const timer of timers) clearTimeout(timer);
  }

  #follow(response: ServerResponse): void {
    if (this.#isLeaving) response.shouldKeepAlive = false;
    this.#inFlight.add(response);
    response.once('close', () => this.#inFlight.delete(response));
  }

  #destroySilent(): void {
    for (const socket of this.#sockets) {
      if (socket.bytesRead === 0) socket.destroy();
    }
  }
}
