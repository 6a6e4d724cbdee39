/**
 * What this process counts and measures, in Prometheus' words (docs/operating.md explains each).
 * Labels are routes by pattern, methods, outcomes: never a person, a site or a handle, and few.
 * server.ts makes the one of a process; whoever has something to count is handed a function.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** How the values of several workers become one of the machine. */
export type Aggregation = 'sum' | 'max' | 'min';

export interface GaugeDescription {
  readonly name: string;
  readonly help: string;
  readonly aggregator: Aggregation;
}

/** The value of now; undefined when it is not known, then the last one stays. */
export type Reading = () => number | undefined | Promise<number | undefined>;

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export class Metrics {
  readonly registry = new Registry();

  readonly requestSeconds = new Histogram({
    name: 'yirentong_http_request_duration_seconds',
    help: 'Answers of the public listener: time from the request line to the last byte.',
    labelNames: ['route', 'method', 'status'],
    buckets: SECONDS,
    registers: [this.registry],
  });

  readonly shed = new Counter({
    name: 'yirentong_shed_total',
    help: 'Requests refused with 503 because there were too many, or cut because they took too long.',
    labelNames: ['reason'],
    registers: [this.registry],
  });

  readonly signIns = new Counter({
    name: 'yirentong_sign_ins_total',
    help: 'Answers to sign-in challenges.',
    labelNames: ['method', 'outcome'],
    registers: [this.registry],
  });

  readonly deliveries = new Counter({
    name: 'yirentong_outbox_finished_total',
    help: 'Deliveries of the outbox that came to an end.',
    labelNames: ['kind', 'outcome'],
    registers: [this.registry],
  });

  readonly breakerOpened = new Counter({
    name: 'yirentong_database_breaker_opened_total',
    help: 'Times that this process found the database away.',
    registers: [this.registry],
  });

  readonly jobFailures = new Counter({
    name: 'yirentong_job_failures_total',
    help: 'Periodic jobs that failed; they come again.',
    labelNames: ['job'],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry, prefix: 'yirentong_' });
  }

  /** Adds a value that is read whenever somebody asks for the metrics. */
  gauge(description: GaugeDescription, read: Reading): void {
    new Gauge({
      ...description,
      registers: [this.registry],
      async collect() {
        const value = await Promise.resolve()
          .then(read)
          .catch(() => undefined);
        if (value !== undefined) this.set(value);
      },
    });
  }
}
