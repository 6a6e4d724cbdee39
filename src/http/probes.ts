/**
 * Probes on a listener of their own, one per machine: /livez touches nothing, /readyz tells the
 * verdict of readiness.ts, /metrics is what Prometheus reads.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { Verdict } from './readiness.ts';

export interface ProbeSources {
  verdict(): Verdict;
  /** In the text format of Prometheus. */
  metrics(): Promise<string>;
}

export interface Probes {
  close(): Promise<void>;
}

const TEXT = 'text/plain; charset=utf-8';
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** @throws the listener's error when the port is taken */
export async function startProbes(
  { address, port }: { address: string; port: number },
  sources: ProbeSources,
): Promise<Probes> {
  const server = createServer((request, response) => {
    if (request.url === '/livez') send(response, 200, 'live\n');
    else if (request.url === '/readyz') sendVerdict(response, sources.verdict());
    else if (request.url === '/metrics') void sendMetrics(response, sources);
    else send(response, 404, 'not found\n');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => resolve());
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function sendVerdict(response: ServerResponse, { isReady, reasons, degraded }: Verdict): void {
  const without = degraded.length > 0 ? ` (without ${degraded.join(', ')})` : '';
  if (isReady) send(response, 200, `ready${without}\n`);
  else send(response, 503, `${reasons.join(', ')}\n`);
}

async function sendMetrics(response: ServerResponse, sources: ProbeSources): Promise<void> {
  try {
    const text = await sources.metrics();
    send(response, 200, text, METRICS_TYPE);
  } catch {
    send(response, 500, 'the metrics could not be collected\n');
  }
}

function send(response: ServerResponse, status: number, text: string, type = TEXT): void {
  response.writeHead(status, { 'Content-Type': type }).end(text);
}
