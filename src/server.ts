/**
 * A running server: listeners, the outbox worker and the sweeper over the services; `stop` ends them
 * in order, finishing what is in flight.
 */
import { createServer as createHttpServer, type Server } from 'node:http';
import { limitRequests } from '#http/limit-requests.ts';
import { startOutboxWorker } from '#jobs/outbox-worker.ts';
import { startSweeper } from '#jobs/sweeper.ts';
import { systemOrigin } from '#lib/request-origin.ts';
import { createLogoutNoticeHandler, LOGOUT_NOTICE_KIND } from '#oidc/backchannel-logout.ts';
import { createApp } from './app.ts';
import { createServices, type Foundations } from './services.ts';

const DRAIN_MILLISECONDS = 15_000;
const TIMEOUTS = {
  requestTimeout: 10_000,
  headersTimeout: 10_000,
  // Longer than a reverse proxy keeps its side, so that it never sends into a closing connection.
  keepAliveTimeout: 75_000,
};
const SWEEP_SECONDS = 60;

export interface RunningServer {
  readonly services: Awaited<ReturnType<typeof createServices>>;
  /** Port of the public listener, for a setting of 0. */
  readonly port: number;
  stop(): Promise<void>;
}

/** @throws NoSigningKeys, and the listener's error when the port is taken */
export async function startServer(foundations: Foundations): Promise<RunningServer> {
  const { settings, log, clock } = foundations;
  const services = await createServices(foundations);
  const { records, pages, addresses, hasher, holder } = services;
  const app = createApp({ ...services, pages, limitRequests: limitRequests(addresses) });
  app.on('error', (error: Error) => log.error({ err: error }, 'a request failed'));
  const server = createHttpServer(TIMEOUTS, (req, res) => {
    void app.callback()(req, res);
  });
  const worker = startOutboxWorker({
    outbox: records.outbox,
    handlers: { [LOGOUT_NOTICE_KIND]: noticeHandler(services) },
    settings: settings.outbox,
    clock,
    log,
  });
  const sweeper = startSweeper(sweepsOf(services), {
    everySeconds: SWEEP_SECONDS,
    onFailure: (error) => log.error({ err: error }, 'sweeping failed'),
  });
  await records.feed.start();
  await listen(server, settings.listen);
  return {
    services,
    port: portOf(server),
    stop: async () => {
      holder.stop();
      sweeper.stop();
      await close(server);
      await worker.stop();
      await records.audit.close();
      await hasher.close();
      await records.feed.stop();
      await records.redis?.close();
    },
  };
}

function noticeHandler({ provider, egress, records }: Awaited<ReturnType<typeof createServices>>) {
  const { audit } = records;
  return createLogoutNoticeHandler(provider, {
    fetch: (url, init) => egress.fetch(url, init),
    onDelivered: async ({ accountId, clientId, attempts }) =>
      audit.record('logout_notice_delivered', { accountId, clientId, attempts }, systemOrigin),
    onGivenUp: async ({ accountId, clientId, attempts }) =>
      audit.record('logout_notice_given_up', { accountId, clientId, attempts }, systemOrigin),
  });
}

const SWEEP_ROWS = 1000;
const KEEP_DELIVERIES_SECONDS = 30 * 86_400;

function sweepsOf({
  records,
  ledger,
  devices,
  addresses,
}: Awaited<ReturnType<typeof createServices>>) {
  return [
    () => records.records.sweep(SWEEP_ROWS),
    () => records.sessions.sweep(SWEEP_ROWS),
    () => records.feed.sweep(SWEEP_ROWS),
    () => records.outbox.sweep(KEEP_DELIVERIES_SECONDS, SWEEP_ROWS),
    () => ledger.sweep(),
    () => devices.sweep(),
    () => addresses.sweep(),
  ];
}

function listen(server: Server, { address, port }: { address: string; port: number }) {
  return new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => resolve());
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Stops accepting, lets requests in flight finish, and cuts what takes longer than the drain. */
function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), DRAIN_MILLISECONDS);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
