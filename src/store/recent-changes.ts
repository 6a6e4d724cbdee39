/**
 * The changes of the last while, in memory: from which version on a copy is good. Used by the change
 * feed alone. Entries are forgotten by generations, a quarter of the horizon each, so that none is
 * forgotten early and memory is bounded by what changed within five quarters of it.
 */

export const CHANGE_KINDS = [
  'grant',
  'record',
  'session',
  'client',
  'account',
  'signing_keys',
  'overflow',
] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** The version from which on copies are good; `gone`: none ever. */
export type GoodFrom = number | 'gone';

const GENERATIONS = 4;
const GONE = Number.POSITIVE_INFINITY;
/** 52 bits: whole numbers that a double holds exactly. */
const FINGERPRINT_DIGITS = 13;
const HASH = /^[0-9a-f]{64}$/;

type Generation = Record<ChangeKind, Map<number | string, number>>;

export class RecentChanges {
  readonly #generationMilliseconds: number;
  readonly #now: () => number;
  /** Newest first. */
  #generations: Generation[];
  #newestBegan: number;

  /** @param now - monotonic milliseconds */
  constructor(horizonSeconds: number, now: () => number) {
    this.#generationMilliseconds = (horizonSeconds * 1000) / GENERATIONS;
    this.#now = now;
    this.#generations = [emptyGeneration()];
    this.#newestBegan = now();
  }

  /** @returns false when nothing new was said: the same or a later version is known */
  add(kind: ChangeKind, key: string, goodFrom: GoodFrom): boolean {
    this.#age();
    const known = this.#find(kind, key);
    const version = goodFrom === 'gone' ? GONE : goodFrom;
    const isNews = known === undefined || version > known;
    // Said again, it is remembered for as long again.
    this.#generations[0]?.[kind].set(shortened(key), isNews ? version : known);
    return isNews;
  }

  /** Undefined when nothing is known to have changed within the horizon. */
  goodFrom(kind: ChangeKind, key: string): GoodFrom | undefined {
    const known = this.#find(kind, key);
    return known === GONE ? 'gone' : known;
  }

  get size(): number {
    return this.#generations
      .flatMap((generation) => CHANGE_KINDS.map((kind) => generation[kind].size))
      .reduce((sum, size) => sum + size, 0);
  }

  #find(kind: ChangeKind, key: string): number | undefined {
    const short = shortened(key);
    for (const generation of this.#generations) {
      const version = generation[kind].get(short);
      if (version !== undefined) return version;
    }
    return undefined;
  }

  #age(): void {
    const now = this.#now();
    if (now - this.#newestBegan < this.#generationMilliseconds) return;
    this.#generations = [emptyGeneration(), ...this.#generations.slice(0, GENERATIONS)];
    this.#newestBegan = now;
  }
}

const emptyGeneration = (): Generation => ({
  grant: new Map(),
  record: new Map(),
  session: new Map(),
  client: new Map(),
  account: new Map(),
  signing_keys: new Map(),
  overflow: new Map(),
});

/**
 * Hashes take half the memory as numbers. Two keys with one fingerprint share the later version: a
 * copy is then not trusted without need, never the other way round.
 */
const shortened = (key: string): number | string =>
  HASH.test(key) ? Number.parseInt(key.slice(0, FINGERPRINT_DIGITS), 16) : key;
