/** Small servers on 127.0.0.1 for tests: each on a free port, all stopped together. */
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';

const certificateFile = (name: string) => new URL(`tls/${name}.pem`, import.meta.url);

export class LocalServers {
  readonly #running: Server[] = [];

  /** @returns the port */
  async start(listener: RequestListener): Promise<number> {
    return this.#listen(createServer(listener));
  }

  /** With a self-signed certificate for rp.example. @returns the port */
  async startTls(listener: RequestListener): Promise<number> {
    const [key, cert] = await Promise.all(
      ['self-signed-key', 'self-signed-certificate'].map((name) => readFile(certificateFile(name))),
    );
    return this.#listen(createTlsServer({ key, cert }, listener));
  }

  async stopAll(): Promise<void> {
    await Promise.all(
      this.#running.splice(0).map(async (server) => {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }),
    );
  }

  async #listen(server: Server): Promise<number> {
    this.#running.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }
}
