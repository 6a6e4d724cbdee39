/**
 * A running server: the listener, the outbox worker and the sweeper over the services; `stop` ends
 * them in order, finishing what is in flight.
 */
import { stopMilliseconds } from '#config/settings.ts';
import { createGate } from '#http/gate.ts';
import { limitRequests } from '#http/limit-requests.ts';
import { Listener } from '#http/listener.ts';
import { LoopDelay } from '#http/loop-delay.ts';
import { Readiness } from '#http/readiness.ts';
import { proxyTrust } from '#http/request-context.ts';
import { startOutboxWorker } from '#jobs/outbox-worker.ts';
import { Leases } from '#jobs/leases.ts';
import { startPeriodicJobs, type PeriodicJob } from '#jobs/periodic-jobs.ts';
import { systemOrigin } from '#lib/request-origin.ts';
import type { Tracing } from '#lib/tracing.ts';
import type { Metrics } from '#metrics/metrics.ts';
import { createLogoutNoticeHandler, LOGOUT_NOTICE_KIND } from '#oidc/backchannel-logout.ts';
import { createApp } from './app.ts';
import { GuardedClient } from '#store/guarded-client.ts';
import type { RedisLink } from '#store/redis/connection.ts';
import { measure } from './measurements.ts';
import { createServices, type Foundations, type Services } from './services.ts';

export interface RunningServer {
  readonly services: Services;
  /** Port of the public listener, for a setting of 0. */
  readonly port: number;
  readonly readiness: Readiness;
  readonly metrics: Metrics;
  /** Unready → wait → stop accepting → finish what is in flight (DESIGN §11). */
  stop(): Promise<void>;
}

/** @throws NoSigningKeys, and the listener's error when the port is taken */
export async function startServer(foundations: Foundations): Promise<RunningServer> {
  const { settings, db, log, clock } = foundations;
  const tracing = await startTracing(settings);
  const services = await createServices({ ...foundations, tracing });
  const { records, pages, addresses, hasher, holder, metrics } = services;
  const app = createApp({ ...services, pages, limitRequests: limitRequests(addresses) });
  app.on('error', (error: Error) => log.error({ err: error }, 'a request failed'));
  const loopDelay = new LoopDelay();
  const listener = createListener(app, services, { settings, loopDelay, tracing });
  const worker = startOutboxWorker({
    outbox: records.outbox,
    handlers: { [LOGOUT_NOTICE_KIND]: noticeHandler(services) },
    settings: settings.outbox,
    clock,
    log,
  });
  const jobs = startPeriodicJobs(jobsOf(services), {
    leases: new Leases(db),
    onFailure: (error, job) => {
      metrics.jobFailures.inc({ job });
      log.error({ err: error, job }, 'a periodic job failed');
    },
  });
  await records.feed.start();
  await listener.listen(settings.listen);
  const readiness = watchReadiness(foundations, services);
  measure({ foundations, services, listener, loopDelay, readiness });
  return {
    ...{ services, port: listener.port, readiness, metrics },
    stop: async () => {
      readiness.beginStopping();
      await listener.stop(stopMilliseconds(settings));
      loopDelay.stop();
      holder.stop();
      await jobs.stop();
      await worker.stop();
      await records.audit.close();
      await hasher.close();
      await records.feed.stop();
      await records.redis?.close();
      await tracing?.stop();
    },
  };
}

function noticeHandler({ provider, egress, records, metrics }: Services) {
  const { audit } = records;
  return createLogoutNoticeHandler(provider, {
    fetch: (url, init) => egress.fetch(url, init),
    onDelivered: async ({ accountId, clientId, attempts }) => {
      metrics.deliveries.inc({ kind: LOGOUT_NOTICE_KIND, outcome: 'delivered' });
      await audit.record(
        'logout_notice_delivered',
        { accountId, clientId, attempts },
        systemOrigin,
      );
    },
    onGivenUp: async ({ accountId, clientId, attempts }) => {
      metrics.deliveries.inc({ kind: LOGOUT_NOTICE_KIND, outcome: 'given_up' });
      await audit.record('logout_notice_given_up', { accountId, clientId, attempts }, systemOrigin);
    },
  });
}

const SWEEP_SECONDS = 60;
const SWEEP_ROWS = 1000;
/** Small rows, and many on a busy day. */
const SWEEP_CHANGES = 50_000;
const KEEP_DELIVERIES_SECONDS = 30 * 86_400;

/** Of all nodes one runs each. Signing keys are not here: every node looks for itself. */
function jobsOf({ records, ledger, devices, addresses }: Services): PeriodicJob[] {
  const sweeps: Readonly<Record<string, () => Promise<number>>> = {
    sweep_records: () => records.records.sweep(SWEEP_ROWS),
    sweep_sessions: () => records.sessions.sweep(SWEEP_ROWS),
    sweep_changes: () => records.feed.sweep(SWEEP_CHANGES),
    sweep_outbox: () => records.outbox.sweep(KEEP_DELIVERIES_SECONDS, SWEEP_ROWS),
    partitions: () => records.partitions.maintain(),
    audit_retention: () => records.retention.dropExpired(),
    sweep_attempts: () => ledger.sweep(),
    sweep_devices: () => devices.sweep(),
    sweep_addresses: () => addresses.sweep(),
  };
  return Object.entries(sweeps).map(([name, sweep]) => ({
    ...{ name, everySeconds: SWEEP_SECONDS },
    run: async (signal) => {
      // In steps, so that no statement is long; until less is left than a step takes.
      while (!signal.aborted && (await sweep()) >= SWEEP_ROWS);
    },
  }));
}

interface Surroundings {
  readonly settings: Foundations['settings'];
  readonly loopDelay: LoopDelay;
  readonly tracing: Tracing | undefined;
}

async function startTracing({ otel, trustedProxies }: Foundations['settings']) {
  if (otel.endpoint === undefined) return undefined;
  const { OpenTelemetry } = await import('#tracing/open-telemetry.ts');
  return new OpenTelemetry({ settings: otel, isTrusted: proxyTrust(trustedProxies) });
}

function createListener(
  app: ReturnType<typeof createApp>,
  { metrics, readyAnswers }: Services,
  { settings, loopDelay, tracing }: Surroundings,
): Listener {
  const handle = app.callback();
  const listener: Listener = new Listener(
    createGate({
      handle: (request, response) => {
        if (!readyAnswers.answer(request, response)) void handle(request, response);
      },
      limits: settings.overload,
      load: () => ({
        inFlight: listener.inFlight,
        loopDelayMilliseconds: loopDelay.persistent,
      }),
      onAnswered: ({ route, method, status, seconds }) =>
        metrics.requestSeconds.observe({ route, method, status }, seconds),
      onShed: (reason) => metrics.shed.inc({ reason }),
      tracing,
    }),
  );
  return listener;
}

function watchReadiness({ db, log }: Foundations, { records, metrics }: Services): Readiness {
  const client: unknown = db.client;
  if (client instanceof GuardedClient) {
    client.guard.onBreaker((isOpen) => {
      if (isOpen) metrics.breakerOpened.inc();
      log[isOpen ? 'error' : 'info']({}, isOpen ? 'the database is away' : 'the database is back');
    });
  }
  return new Readiness([
    { name: 'database', isGood: () => db.raw('SELECT 1').then(() => true) },
    { name: 'change_feed', isGood: () => !records.feed.isStale },
    { name: 'redis', isGood: () => isRedisAvailable(records.redis), isOptional: true },
  ]);
}

const REDIS_TRIES = 3;

/** Asks: with nobody signing in, no other command would find out that Redis is gone. */
async function isRedisAvailable(redis: RedisLink | undefined): Promise<boolean> {
  if (!redis) return true;
  // One lost answer means nothing; several in a row open the breaker.
  for (let tries = 0; tries < REDIS_TRIES && redis.isAvailable; tries += 1) {
    const answer = await redis.run((commands) => commands.ping()).catch(() => undefined);
    if (answer !== undefined) return true;
  }
  return redis.isAvailable;
}
