/**
 * Probes on a listener of their own: /livez touches nothing, /readyz reads a verdict that is
 * refreshed in the background, so that a probe never waits for a database that hangs.
 */
import { createServer } from 'node:http';
import type { Knex } from 'knex';

const REFRESH_MILLISECONDS = 1000;

export interface Probes {
  /** Tells load balancers to stop sending; called first when the server stops. */
  becomeUnready(): void;
  close(): Promise<void>;
}

export async function startProbes(
  { address, port }: { address: string; port: number },
  db: Knex,
): Promise<Probes> {
  let isDatabaseReady = true;
  let isStopping = false;
  const refresh = setInterval(() => {
    void db.raw('SELECT 1').then(
      () => (isDatabaseReady = true),
      () => (isDatabaseReady = false),
    );
  }, REFRESH_MILLISECONDS);
  refresh.unref();

  const server = createServer((request, response) => {
    const isReady = isDatabaseReady && !isStopping;
    const answers: Readonly<Record<string, readonly [number, string]>> = {
      '/livez': [200, 'live'],
      '/readyz': isReady ? [200, 'ready'] : [503, isStopping ? 'stopping' : 'database'],
    };
    const [status, text] = answers[request.url ?? ''] ?? [404, 'not found'];
    response.writeHead(status, { 'Content-Type': 'text/plain' }).end(`${text}\n`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => resolve());
  });
  return {
    becomeUnready: () => {
      isStopping = true;
    },
    close: () =>
      new Promise((resolve) => {
        clearInterval(refresh);
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
