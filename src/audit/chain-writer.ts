/**
 * Writes of one process to the chain. While no other process writes, it knows where the head is and
 * appends with a single statement; after a surprise it takes the head's lock first, as long as others
 * keep writing in between. Which way is taken is a matter of speed: the head moves only from the
 * place that the rows were chained to.
 */
import type { Knex } from 'knex';
import { appendAfter, lockHead, type Head } from './chain.ts';
import type { ChainKeys, ChainPoint } from './chain-keys.ts';
import type { EventFields } from './event-row.ts';

/** The places of the old and the new head. */
export interface Appended {
  readonly from: ChainPoint;
  readonly to: Head;
}

export class ChainWriter {
  readonly #keys: ChainKeys;
  /** Where this process left the chain. */
  #last: Head | undefined;
  /** Nobody else wrote between the last two writes of this process. */
  #isAlone = false;

  constructor(keys: ChainKeys) {
    this.#keys = keys;
  }

  /**
   * Appends events in order, on the pool or as the last statement of a transaction, which holds the
   * head's lock until it ends. Call `committed` with the result once it is durable.
   *
   * @throws AuditHeadForged when the head does not carry our mac
   */
  async append(db: Knex, events: readonly EventFields[]): Promise<Appended> {
    const from = this.#last;
    if (from !== undefined && this.#isAlone) {
      const to = await appendAfter(db, from, events, this.#keys);
      if (to) return { from, to };
      this.#isAlone = false;
    }
    return db.isTransaction === true
      ? await this.#appendLocked(db as Knex.Transaction, events)
      : await db.transaction((transaction) => this.#appendLocked(transaction, events));
  }

  committed({ from, to }: Appended): void {
    this.#isAlone = from.seq === this.#last?.seq;
    this.#last = to;
  }

  async #appendLocked(
    transaction: Knex.Transaction,
    events: readonly EventFields[],
  ): Promise<Appended> {
    const from = await lockHead(transaction, this.#keys);
    const to = await appendAfter(transaction, from, events, this.#keys);
    if (!to) throw new Error('The audit head moved while it was locked.');
    return { from, to };
  }
}
