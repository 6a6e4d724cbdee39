/** Where the time comes from; the only file that may name `Date.now`. */
export interface Clock {
  /** The present moment. */
  now(): Date;
  /** Unix time in whole seconds, rounded down (RFC 7519 NumericDate). */
  nowSeconds(): number;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => new Date(Date.now()),
  nowSeconds: () => Math.floor(Date.now() / 1000),
};
