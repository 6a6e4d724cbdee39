/**
 * The table `audit_dropped_months`: signed by retention.ts before it drops a month's rows, read by
 * verify.ts. A record of the short-lived rows holds the month's place in the chain and a digest of
 * the rows that stayed; one of the long-lived rows says that those went too.
 */
import { createHash } from 'node:crypto';
import type { Knex } from 'knex';
import type { ChainKeys, Signed } from './chain-keys.ts';

export interface DroppedRange {
  /** First day, `YYYY-MM-DD`. */
  readonly month: string;
  readonly isLongLived: boolean;
  readonly firstSeq: number;
  /** Before `firstSeq` when the month had no rows. */
  readonly lastSeq: number;
  /** Hash of the last row: what the next one is chained to. */
  readonly lastHash: Buffer;
  readonly keptEvents: number;
  readonly keptDigest: Buffer;
}

export interface DroppedMonth extends DroppedRange, Signed {}

/** SHA-256 over hashes of rows, in order. */
export function digestOf(hashes: readonly Buffer[]): Buffer {
  const digest = createHash('sha256');
  for (const hash of hashes) digest.update(hash);
  return digest.digest();
}

interface Row {
  /** `month` as text: the driver would turn a date into midnight of the machine's time zone. */
  day: string;
  month: Date;
  is_long_lived: boolean;
  first_seq: string;
  last_seq: string;
  last_hash: Buffer;
  kept_events: string;
  kept_digest: Buffer;
  signed_at: Date;
  key_id: string;
  signature: Buffer;
}

export class DroppedMonths {
  readonly #db: Knex;

  constructor(db: Knex) {
    this.#db = db;
  }

  /** In the order of the chain. */
  async all(): Promise<DroppedMonth[]> {
    const rows = await this.#db<Row>('audit_dropped_months')
      .select<Row[]>('*', this.#db.raw(`to_char(month, 'YYYY-MM-DD') AS day`))
      .orderBy(['last_seq', 'first_seq', 'month', 'is_long_lived']);
    return rows.map((row) => ({
      month: row.day,
      isLongLived: row.is_long_lived,
      firstSeq: Number(row.first_seq),
      lastSeq: Number(row.last_seq),
      lastHash: row.last_hash,
      keptEvents: Number(row.kept_events),
      keptDigest: row.kept_digest,
      signedAt: new Date(row.signed_at),
      keyId: row.key_id,
      signature: row.signature,
    }));
  }

  isGenuine(month: DroppedMonth, keys: ChainKeys): boolean {
    return keys.isGenuineText(textOf(month), month);
  }

  /** Signs what stays of a month and drops the rest, both or neither. */
  async drop(range: DroppedRange, keys: ChainKeys, now: Date): Promise<void> {
    const { signedAt, keyId, signature } = keys.signText(textOf(range), now);
    await this.#db.transaction(async (transaction) => {
      await transaction('audit_dropped_months').insert({
        month: range.month,
        is_long_lived: range.isLongLived,
        first_seq: range.firstSeq,
        last_seq: range.lastSeq,
        last_hash: range.lastHash,
        kept_events: range.keptEvents,
        kept_digest: range.keptDigest,
        ...{ signed_at: signedAt, key_id: keyId, signature },
      });
      await transaction.raw('SELECT drop_audit_month(?, ?)', [range.month, range.isLongLived]);
    });
  }
}

function textOf(range: DroppedRange): string {
  const { month, isLongLived, firstSeq, lastSeq, lastHash, keptEvents, keptDigest } = range;
  const kind = isLongLived ? 'long' : 'brief';
  const kept = `${keptEvents}|${keptDigest.toString('hex')}`;
  return `dropped|${month}|${kind}|${firstSeq}|${lastSeq}|${lastHash.toString('hex')}|${kept}`;
}
