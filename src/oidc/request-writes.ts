/**
 * Writes of one authorization request that wait for each other: the grant that it issued is written
 * together with the session that names it and with their audit events, in one commit before the
 * answer leaves. What is deferred and never written belongs to a request that failed: nothing names it.
 */
import type { Knex } from 'knex';
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Commit } from '#store/record-store.ts';

interface Deferred {
  readonly write: (db: Knex) => Promise<void>;
  readonly committed: () => void;
}

/** Their session is saved after everything else, so that a grant can wait for it. */
const ROUTES: ReadonlySet<string | undefined> = new Set(['authorization', 'resume']);

const ofRequest = new WeakMap<object, RequestWrites>();

export class RequestWrites {
  #deferred: Deferred[] = [];
  #followUps: Promise<unknown>[] = [];

  /** Those of the present request; undefined where nothing can wait. */
  static of(ctx: KoaContextWithOIDC | undefined): RequestWrites | undefined {
    const oidc = ctx?.oidc as (KoaContextWithOIDC['oidc'] & { route?: string }) | undefined;
    if (!oidc || !ROUTES.has(oidc.route)) return undefined;
    const writes = ofRequest.get(oidc) ?? new RequestWrites();
    ofRequest.set(oidc, writes);
    return writes;
  }

  get isEmpty(): boolean {
    return this.#deferred.length === 0;
  }

  /** Lets a write come as far as its commit, which then waits for `writeTo` and `committed`. */
  async defer(start: (commit: Commit) => Promise<unknown>): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const followUp = start((write) => {
        const commit = this.#wait(write);
        resolve();
        return commit;
      });
      // Awaited in `committed`; until then a failure is nobody's.
      followUp.then(() => resolve(), reject);
      this.#followUps.push(followUp);
    });
  }

  /** Makes the deferred writes in a transaction; again, when the first was rolled back. */
  async writeTo(db: Knex): Promise<void> {
    for (const deferred of this.#deferred) await deferred.write(db);
  }

  /** The transaction is durable: resolves once what follows the writes is done (copies in Redis). */
  async committed(): Promise<void> {
    const [deferred, followUps] = [this.#deferred, this.#followUps];
    [this.#deferred, this.#followUps] = [[], []];
    for (const { committed } of deferred) committed();
    await Promise.all(followUps);
  }

  #wait<Result>(write: (db: Knex) => Promise<Result>): Promise<Result> {
    return new Promise((resolve) => {
      let result: Result;
      this.#deferred.push({
        write: async (db) => void (result = await write(db)),
        committed: () => resolve(result),
      });
    });
  }
}
