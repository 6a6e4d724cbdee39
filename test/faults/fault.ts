/** What a fault is: a name, how it comes, how it goes, and what may be noticed of it meanwhile. */
import type { Cluster } from './cluster/cluster.ts';
import type { Loss } from './load/journal.ts';
import type { Stage } from './load/operations.ts';

export interface Fault {
  /** For `--only`, and the first column of the table. */
  readonly name: string;
  /** Part of the short run. */
  readonly short: boolean;
  readonly expected: Expectation;
  /**
   * Resolves when the fault is there.
   *
   * @returns what takes its cause away; what the server needs from then on is its recovery
   */
  inject(cluster: Cluster, stage: Stage): Promise<() => Promise<void> | void>;
  /** Makes the cluster whole again, once all is judged. */
  restore?(cluster: Cluster): Promise<void>;
}

export interface Expectation {
  /** The longest that any request may take. */
  readonly longestMilliseconds: number;
  /** The longest that an answer with a password may take; as any other unless it says so. */
  readonly longestSignInMilliseconds?: number;
  /**
   * What may fail at the first try: nothing; only with 503 and Retry-After, discovery and JWKS not
   * at all; or also without an answer, because its node died.
   */
  readonly failures: 'none' | 'told' | 'cut';
  /** From healing until nothing fails any more. */
  readonly recoverySeconds: number;
  /** What people may have to begin anew, because the only copy is lost. */
  readonly mayLose?: readonly Loss[];
  /** The windows per address are gone with a crash of PostgreSQL (docs/decisions/0004). */
  readonly mayForgetAddresses?: boolean;
}

/** DESIGN §11: nobody notices, except by waiting. */
export const UNNOTICED: Expectation = {
  longestMilliseconds: 1000,
  failures: 'none',
  recoverySeconds: 0,
};

/** DESIGN §11: without PostgreSQL one is told so within 3 s, and it passes within 5. */
export const TOLD: Expectation = {
  longestMilliseconds: 3000,
  failures: 'told',
  recoverySeconds: 5,
  // The server may have used it up and been cut off before it could say so.
  mayLose: ['code', 'refresh_token', 'interaction'],
};

/** The same with limits so many times as long. */
export const patiently = (expected: Expectation, times: number): Expectation => ({
  ...expected,
  longestMilliseconds: expected.longestMilliseconds * times,
  ...(expected.longestSignInMilliseconds !== undefined && {
    longestSignInMilliseconds: expected.longestSignInMilliseconds * times,
  }),
  recoverySeconds: expected.recoverySeconds * times,
});

/** How a fault is healed that was over at once. */
export const nothing = () => undefined;
