/**
 * The metrics of a machine: those of its workers added up (or what each metric's aggregator says),
 * with the counters of workers that have ended, so that a rolling restart does not look like a reset.
 */
import { AggregatorRegistry, Counter, Gauge, Registry } from 'prom-client';
import type { MetricsSnapshot } from './messages.ts';

/** prom-client's type is an enum without values; its JSON says the name. */
const KEPT: ReadonlySet<string> = new Set(['counter', 'histogram']);

export class MachineMetrics {
  readonly #own = new Registry();
  readonly #restarts = new Counter({
    name: 'yirentong_worker_restarts_total',
    help: 'Workers that ended unasked and were started again.',
    registers: [this.#own],
  });
  #ended: MetricsSnapshot = [];

  /** @param running - how many workers listen now */
  constructor(running: () => number) {
    new Gauge({
      name: 'yirentong_workers',
      help: 'Workers of this machine that listen.',
      registers: [this.#own],
      collect() {
        this.set(running());
      },
    });
  }

  countRestart(): void {
    this.#restarts.inc();
  }

  /** Keeps the counters of a worker that is about to end. */
  async keep(last: MetricsSnapshot): Promise<void> {
    const counters = last.filter(({ type }) => KEPT.has(String(type)));
    this.#ended = await aggregate([this.#ended, counters]).getMetricsAsJSON();
  }

  /** In the text format of Prometheus. */
  async text(workers: readonly MetricsSnapshot[]): Promise<string> {
    const own = await this.#own.getMetricsAsJSON();
    return await aggregate([...workers, this.#ended, own]).metrics();
  }
}

const aggregate = (snapshots: readonly MetricsSnapshot[]): Registry =>
  // Its type asks for objects and its code for the lists that getMetricsAsJSON gives.
  AggregatorRegistry.aggregate(snapshots as unknown as object[]);
