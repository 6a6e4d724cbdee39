/** A relying site's back-channel logout endpoint that can be told to misbehave. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface ReceivedNotice {
  readonly method: string;
  readonly contentType: string;
  readonly form: URLSearchParams;
}

export class LogoutReceiver {
  /** Status to answer with, or `hang`: never answer. */
  behaviour: number | 'hang' = 200;
  /** Every request, whatever it was answered with. */
  readonly received: ReceivedNotice[] = [];
  #server: Server | undefined;
  #port = 0;

  get uri(): string {
    return `http://127.0.0.1:${this.#port}/backchannel-logout`;
  }

  /** On the port it had before, if it had one. */
  async open(): Promise<void> {
    const server = createServer((request, response) => {
      void text(request).then((body) => {
        this.received.push({
          method: request.method ?? '',
          contentType: request.headers['content-type'] ?? '',
          form: new URLSearchParams(body),
        });
        if (this.behaviour !== 'hang') response.writeHead(this.behaviour).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** From now on connections are refused. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    server?.closeAllConnections();
    await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  }
}
