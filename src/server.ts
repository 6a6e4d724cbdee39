/**
 * A running server: the listener, the outbox worker and the sweeper over the services; `stop` ends
 * them in order, finishing what is in flight.
 */
import { stopMilliseconds } from '#config/settings.ts';
import { limitRequests } from '#http/limit-requests.ts';
import { Listener } from '#http/listener.ts';
import { Readiness } from '#http/readiness.ts';
import { startOutboxWorker } from '#jobs/outbox-worker.ts';
import { startSweeper } from '#jobs/sweeper.ts';
import { systemOrigin } from '#lib/request-origin.ts';
import { Metrics } from '#metrics/metrics.ts';
import { createLogoutNoticeHandler, LOGOUT_NOTICE_KIND } from '#oidc/backchannel-logout.ts';
import { createApp } from './app.ts';
import { createServices, type Foundations } from './services.ts';

const SWEEP_SECONDS = 60;

export interface RunningServer {
  readonly services: Awaited<ReturnType<typeof createServices>>;
  /** Port of the public listener, for a setting of 0. */
  readonly port: number;
  readonly readiness: Readiness;
  readonly metrics: Metrics;
  /** Unready → wait → stop accepting → finish what is in flight (DESIGN §11). */
  stop(): Promise<void>;
}

/** @throws NoSigningKeys, and the listener's error when the port is taken */
export async function startServer(foundations: Foundations): Promise<RunningServer> {
  const { settings, log, clock } = foundations;
  const services = await createServices(foundations);
  const { records, pages, addresses, hasher, holder } = services;
  const app = createApp({ ...services, pages, limitRequests: limitRequests(addresses) });
  app.on('error', (error: Error) => log.error({ err: error }, 'a request failed'));
  const handle = app.callback();
  const listener = new Listener((request, response) => void handle(request, response));
  const metrics = new Metrics();
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
  await listener.listen(settings.listen);
  const readiness = new Readiness([
    { name: 'database', isGood: () => foundations.db.raw('SELECT 1').then(() => true) },
  ]);
  return {
    ...{ services, port: listener.port, readiness, metrics },
    stop: async () => {
      readiness.beginStopping();
      sweeper.stop();
      await listener.stop(stopMilliseconds(settings));
      holder.stop();
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
/** Small rows, and many on a busy day. */
const SWEEP_CHANGES = 50_000;
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
    () => records.feed.sweep(SWEEP_CHANGES),
    () => records.outbox.sweep(KEEP_DELIVERIES_SECONDS, SWEEP_ROWS),
    () => ledger.sweep(),
    () => devices.sweep(),
    () => addresses.sweep(),
  ];
}
