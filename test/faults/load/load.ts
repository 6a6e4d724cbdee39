/**
 * Load at a fixed rate, whatever the server does with it (open loop): operations begin by the clock,
 * chosen by the seed, and never wait for each other.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { OPERATIONS, signIn, WEIGHTS, type Stage } from './operations.ts';
import { RequestFailed } from './wire.ts';

/** Longest wait for what is still under way when the load ends. */
const DRAIN_MILLISECONDS = 30_000;

export class Load {
  readonly #stage: Stage;
  readonly #perSecond: number;
  readonly #underWay = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  /** How late the load itself was at worst, in milliseconds: the machine was busy. */
  latestMilliseconds = 0;

  constructor(stage: Stage, perSecond: number) {
    this.#stage = stage;
    this.#perSecond = perSecond;
  }

  /** Signs so many people in, before anything is recorded. */
  async fill(sessions: number): Promise<void> {
    const missing = () => sessions - this.#stage.journal.sessions.length;
    while (missing() > 0) {
      await Promise.all(Array.from({ length: Math.min(4, missing()) }, () => signIn(this.#stage)));
    }
  }

  start(): void {
    const startedAt = performance.now();
    let begun = 0;
    const tick = () => {
      const now = performance.now();
      const due = ((now - startedAt) * this.#perSecond) / 1000;
      this.latestMilliseconds = Math.max(
        this.latestMilliseconds,
        ((due - begun) * 1000) / this.#perSecond,
      );
      for (; begun < due; begun += 1) this.#begin();
      const next = startedAt + (begun * 1000) / this.#perSecond;
      this.#timer = setTimeout(tick, Math.max(0, next - performance.now()));
    };
    tick();
  }

  /** Begins nothing more and waits for what is under way. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.race([
      Promise.all(this.#underWay),
      sleep(DRAIN_MILLISECONDS, undefined, { ref: false }),
    ]);
    if (this.#underWay.size > 0) {
      this.#stage.journal.violations.push(`${this.#underWay.size} operations never ended`);
    }
  }

  #begin(): void {
    const name = this.#stage.random.weighted(WEIGHTS);
    const operation = OPERATIONS[name](this.#stage)
      .catch((error: unknown) => {
        if (error instanceof RequestFailed) return;
        this.#stage.journal.violations.push(`${name}: ${String(error)}`);
      })
      .finally(() => this.#underWay.delete(operation));
    this.#underWay.add(operation);
  }
}
