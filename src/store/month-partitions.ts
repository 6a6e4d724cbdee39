/**
 * Partitions of the tables that grow without end (migration 0101). The work is a function of the
 * database, which runs as the tables' owner; here is only who calls it.
 */
import type { Knex } from 'knex';

export class MonthPartitions {
  readonly #db: Knex;
  readonly #deliveryRecordDays: number;

  /** @param deliveryRecordDays - age at which delivery records go; the database keeps 30 at least */
  constructor(db: Knex, deliveryRecordDays: number) {
    this.#db = db;
    this.#deliveryRecordDays = deliveryRecordDays;
  }

  /**
   * Makes the partitions of this month and the next two, and drops old delivery records. Cheap when
   * there is nothing to do; of several callers one works.
   *
   * @returns how many partitions were made or dropped
   */
  async maintain(): Promise<number> {
    const { rows } = await this.#db.raw<{ rows: { changed: number }[] }>(
      'SELECT maintain_month_partitions(?) AS changed',
      [this.#deliveryRecordDays],
    );
    return rows[0]?.changed ?? 0;
  }
}
