/** What the supervisor and its workers tell each other over the channel of node:cluster. */
import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import type { Verdict } from '#http/readiness.ts';

/** All metrics of a process, as prom-client's `getMetricsAsJSON` gives them. */
export type MetricsSnapshot = readonly MetricObjectWithValues<MetricValue<string>>[];

export type FromWorker =
  /** It listens; traffic may come. */
  | { readonly yrt: 'listening' }
  | { readonly yrt: 'verdict'; readonly verdict: Verdict }
  | { readonly yrt: 'metrics'; readonly id: number; readonly metrics: MetricsSnapshot }
  /** Sent once, before it ends in order: what its counters came to. */
  | { readonly yrt: 'last_metrics'; readonly metrics: MetricsSnapshot }
  | { readonly yrt: 'hash_wanted' }
  | { readonly yrt: 'hash_done' };

export type ToWorker =
  | { readonly yrt: 'stop' }
  | { readonly yrt: 'metrics'; readonly id: number }
  | { readonly yrt: 'hash_granted' };

/** Libraries may use the channel as well. */
export const isOurs = (message: unknown): message is { readonly yrt: string } =>
  typeof message === 'object' && message !== null && 'yrt' in message;
