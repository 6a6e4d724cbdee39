/** What is read off the running parts of a server whenever somebody asks for its metrics. */
import type { Listener } from '#http/listener.ts';
import type { LoopDelay } from '#http/loop-delay.ts';
import type { Readiness } from '#http/readiness.ts';
import type { Reading } from '#metrics/metrics.ts';
import { GuardedClient } from '#store/guarded-client.ts';
import type { Foundations, Services } from './services.ts';

export interface Measured {
  readonly foundations: Foundations;
  readonly services: Services;
  readonly listener: Listener;
  readonly loopDelay: LoopDelay;
  readonly readiness: Readiness;
}

/** Longer than several scrapers are apart, shorter than an alarm. */
const BACKLOG_SECONDS = 5;

export function measure({ foundations, services, listener, loopDelay, readiness }: Measured): void {
  const { metrics, records, hasher } = services;
  const sum = (name: string, help: string, read: Reading) =>
    metrics.gauge({ name: `yirentong_${name}`, help, aggregator: 'sum' }, read);
  const worst = (name: string, help: string, read: Reading) =>
    metrics.gauge({ name: `yirentong_${name}`, help, aggregator: 'max' }, read);

  sum(
    'http_requests_in_flight',
    'Requests begun and not answered in full.',
    () => listener.inFlight,
  );
  worst(
    'event_loop_delay_seconds',
    'Longest that a task had to wait in the last ten seconds.',
    () => loopDelay.worst / 1000,
  );
  metrics.gauge(
    {
      name: 'yirentong_ready',
      help: '1 when this process may get traffic; of several the least.',
      aggregator: 'min',
    },
    () => Number(readiness.verdict.isReady),
  );
  sum('hash_queue_length', 'Password hashes that wait for a thread.', () => hasher.waiting);
  sum('audit_queue_length', 'Audit entries that wait to be written.', () => records.audit.waiting);
  worst(
    'change_feed_age_seconds',
    'Since changes of other nodes were last looked for; above 1 no copy is trusted.',
    () => Math.min(records.feed.ageSeconds, Number.MAX_SAFE_INTEGER),
  );
  const backlog = remembered(() => records.outbox.backlog(), BACKLOG_SECONDS * 1000);
  worst('outbox_pending', 'Deliveries owed and not made.', async () => (await backlog()).pending);
  worst(
    'outbox_oldest_seconds',
    'Age of the oldest delivery that is owed; 0 when there is none.',
    async () => (await backlog()).oldestSeconds,
  );
  measurePool(foundations, sum, worst);
  const { redis } = records;
  if (!redis) return;
  metrics.gauge(
    {
      name: 'yirentong_redis_up',
      help: '1 while Redis answers; of several processes the least.',
      aggregator: 'min',
    },
    () => Number(redis.isAvailable),
  );
  worst(
    'redis_breaker_open',
    '1 while Redis is given up for the moment and PostgreSQL does its work.',
    () => Number(!redis.isAvailable),
  );
}

type Define = (name: string, help: string, read: Reading) => void;

function measurePool({ db }: Foundations, sum: Define, worst: Define): void {
  const client: unknown = db.client;
  if (!(client instanceof GuardedClient)) return;
  sum('database_pool_waiting', 'Queries that wait for a connection.', () => client.load.waiting);
  sum('database_pool_used', 'Connections that work.', () => client.load.used);
  sum('database_pool_free', 'Connections that are open and idle.', () => client.load.free);
  worst('database_breaker_open', '1 while the database is found away and everything refused.', () =>
    Number(client.guard.isOpen),
  );
}

/** Asks anew only after a while, and once for all who ask meanwhile. */
function remembered<Value>(ask: () => Promise<Value>, milliseconds: number): () => Promise<Value> {
  let asked: { readonly at: number; readonly answer: Promise<Value> } | undefined;
  return () => {
    const now = performance.now();
    if (!asked || now - asked.at > milliseconds) asked = { at: now, answer: ask() };
    return asked.answer;
  };
}
