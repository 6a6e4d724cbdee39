/**
 * What this process counts and measures, in Prometheus' words (docs/operating.md explains each).
 * Labels are routes by pattern, methods, outcomes: never a person, a site or a handle, and few.
 * server.ts makes the one of a process; whoever has something to count is handed a function.
 */
import { collectDefaultMetrics, Registry } from 'prom-client';

export class Metrics {
  readonly registry = new Registry();

  constructor() {
    collectDefaultMetrics({ register: this.registry, prefix: 'yirentong_' });
  }
}
