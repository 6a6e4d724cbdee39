/**
 * Retention of the audit log: drops whole months when their time is over, the oldest first. Before
 * that the month is read once more; what does not verify is not dropped but reported, because then it
 * is evidence. What stays is signed, so that `audit verify` can vouch for it without the rest.
 */
import type { Knex } from 'knex';
import type { Settings } from '#config/settings.ts';
import type { PurposeKeys } from '#crypto/key-ring.ts';
import type { Clock } from '#lib/clock.ts';
import { readChain } from './chain.ts';
import { ChainKeys, type ChainPoint } from './chain-keys.ts';
import { ChainWalk, GENESIS } from './chain-walk.ts';
import { Checkpoints } from './checkpoints.ts';
import { digestOf, DroppedMonths } from './dropped-months.ts';

export interface RetentionOptions {
  readonly db: Knex;
  /** Those of the purpose `audit`. */
  readonly keys: PurposeKeys;
  readonly clock: Clock;
  readonly settings: Pick<Settings['retention'], 'auditDays' | 'longLivedAuditDays'>;
}

/** The month is not whole; an operator must look (`audit verify`). */
export class MonthBroken extends Error {
  constructor(month: string, seq: number) {
    super(`audit rows of ${month} are not dropped: row ${seq} is bad; run \`audit verify\``);
    this.name = 'MonthBroken';
  }
}

const BATCH_SIZE = 1000;

/** Months whose rows are older than asked, by the partitions that are there. */
const EXPIRED = `
  SELECT to_char(month, 'YYYY-MM-DD') AS month FROM (
    SELECT CASE WHEN c.relname ~ ('^audit_events_' || :kind || '_[0-9]{4}_[0-9]{2}$')
                THEN to_date(right(c.relname, 7), 'YYYY_MM') END AS month
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'audit_events'::regclass) AS months
   WHERE month + interval '1 month' + make_interval(days => :days)
         <= now() AT TIME ZONE 'Asia/Shanghai'
   ORDER BY month`;

export class AuditRetention {
  readonly #options: RetentionOptions;
  readonly #keys: ChainKeys;
  readonly #months: DroppedMonths;

  constructor(options: RetentionOptions) {
    this.#options = options;
    this.#keys = new ChainKeys(options.keys);
    this.#months = new DroppedMonths(options.db);
  }

  /**
   * @returns how many partitions were dropped
   * @throws MonthBroken; the driver's errors, also when a month's partition is in use for longer
   */
  async dropExpired(): Promise<number> {
    const { auditDays, longLivedAuditDays } = this.#options.settings;
    const brief = await this.#expired('brief', auditDays);
    for (const month of brief) await this.#dropBrief(month);
    const long = await this.#expired('long', longLivedAuditDays);
    for (const month of long) await this.#dropLong(month);
    return brief.length + long.length;
  }

  async #expired(kind: 'brief' | 'long', days: number): Promise<string[]> {
    const { rows } = await this.#options.db.raw<{ rows: { month: string }[] }>(EXPIRED, {
      kind,
      days,
    });
    return rows.map(({ month }) => month);
  }

  async #dropBrief(month: string): Promise<void> {
    const before = (await this.#months.all()).filter(({ isLongLived }) => !isLongLived).at(-1);
    const begin = before ? { seq: before.lastSeq, hash: before.lastHash } : GENESIS;
    const { end, kept } = await this.#walk(month, begin);
    const range = { month, isLongLived: false, firstSeq: begin.seq + 1, lastSeq: end.seq };
    const left = { lastHash: end.hash, keptEvents: kept.length, keptDigest: digestOf(kept) };
    await this.#months.drop({ ...range, ...left }, this.#keys, this.#options.clock.now());
  }

  /** Follows the chain to the end of the month, and on to a checkpoint that vouches for it. */
  async #walk(month: string, begin: ChainPoint): Promise<{ end: ChainPoint; kept: Buffer[] }> {
    const { db } = this.#options;
    const last = await lastSeqOf(db, month);
    const checkpoints = new Checkpoints(db);
    const vouched = last > begin.seq ? await checkpoints.firstFrom(last) : begin.seq;
    if (vouched === undefined) throw new MonthBroken(month, last);
    const walk = new ChainWalk(this.#keys, [], begin);
    const kept: Buffer[] = [];
    let end = begin;
    for (let after = begin.seq; after < vouched; after += BATCH_SIZE) {
      const upTo = Math.min(after + BATCH_SIZE, vouched);
      walk.expectCheckpoints(await checkpoints.between(after, upTo));
      for (const row of await readChain(db, { after, upTo, limit: BATCH_SIZE })) {
        const found = walk.step(row);
        if (found) throw new MonthBroken(month, found.firstBadSeq);
        if (row.seq <= last) end = walk.last;
        if (row.seq <= last && row.isLongLived) kept.push(row.hash);
      }
    }
    if (walk.last.seq < vouched) throw new MonthBroken(month, walk.last.seq + 1);
    return { end, kept };
  }

  /** The short-lived rows of the month are gone long since, and their record says where it stood. */
  async #dropLong(month: string): Promise<void> {
    const all = await this.#months.all();
    const brief = all.find((each) => each.month === month && !each.isLongLived);
    if (!brief || !this.#months.isGenuine(brief, this.#keys)) throw new MonthBroken(month, 0);
    const { firstSeq, lastSeq, lastHash } = brief;
    const range = { month, isLongLived: true, firstSeq, lastSeq, lastHash };
    const left = { keptEvents: 0, keptDigest: digestOf([]) };
    await this.#months.drop({ ...range, ...left }, this.#keys, this.#options.clock.now());
  }
}

/** 0 when the month has no rows. */
async function lastSeqOf(db: Knex, month: string): Promise<number> {
  const row = await db('audit_events')
    .where({ month })
    .max<{ seq: string | null }>('seq as seq')
    .first();
  return Number(row?.seq ?? 0);
}
