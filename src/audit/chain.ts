/**
 * The tables `audit_events` and `audit_head`: appending behind the head, and reading in order.
 * The two are one file because neither may ever change without the other.
 */
import type { Knex } from 'knex';
import { statement } from '#store/statement.ts';
import type { ChainKeys, ChainPoint } from './chain-keys.ts';
import {
  canonicalFromStored,
  hashedText,
  hashOfText,
  type ChainedRow,
  type EventFields,
} from './event-row.ts';
import { LONG_LIVED_EVENTS } from './events.ts';

/**
 * The head in the database was not written by a holder of the audit key. Writing on would vouch for
 * what a forger left, so nothing is recorded until an operator has looked (`audit verify`).
 */
export class AuditHeadForged extends Error {
  constructor(seq: number) {
    super(`the head of the audit chain (seq ${seq}) does not carry our mac; run \`audit verify\``);
    this.name = 'AuditHeadForged';
  }
}

export interface Head extends ChainPoint {
  readonly mac: Buffer;
}

interface HeadRow {
  seq: string;
  hash: Buffer;
  mac: Buffer;
}

interface Append {
  readonly fromSeq: number;
  readonly fromHash: Buffer;
  readonly fromMac: Buffer;
  readonly seq: number;
  readonly hash: Buffer;
  readonly mac: Buffer;
  /** The rows as they were hashed, a JSON array. */
  readonly rows: string;
  /** Their hashes one after the other, 32 bytes each. */
  readonly hashes: Buffer;
  readonly longLived: readonly string[];
}

// The head moves only from the place that the rows were chained to; otherwise nothing is written. Its
// month, which says where the rows go, is the database's and never moves back.
const APPEND = statement<Append>(
  'audit.append',
  `
  WITH head AS (
    UPDATE audit_head SET seq = :seq, hash = :hash, mac = :mac,
           month = greatest(month, CAST(date_trunc('month', now() AT TIME ZONE 'Asia/Shanghai') AS date))
    WHERE seq = :fromSeq AND hash = :fromHash AND mac = :fromMac
    RETURNING month
  )
  INSERT INTO audit_events (seq, id, occurred_at, event, account_id, client_id, request_id, address,
                            user_agent, channel, details, prev_hash, hash, is_long_lived, month)
  SELECT r.seq, r.id, r.occurred_at, r.event, r.account_id, r.client_id, r.request_id, r.address,
         r.user_agent, r.channel, CAST(r.details AS jsonb), decode(r.prev_hash, 'hex'),
         substring(CAST(:hashes AS bytea) FROM CAST((r.seq - :fromSeq - 1) * 32 + 1 AS int) FOR 32),
         r.event = ANY(CAST(:longLived AS text[])), head.month
  FROM head, json_to_recordset(CAST(:rows AS json)) AS r (
    seq bigint, id uuid, occurred_at timestamptz, event text, account_id uuid, client_id text,
    request_id text, address text, user_agent text, channel text, details text, prev_hash text)`,
);

const LOCK_HEAD = statement<object, HeadRow>(
  'audit.lock_head',
  'SELECT seq, hash, mac FROM audit_head FOR UPDATE',
);

const READ = `
  SELECT seq, id, to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
           AS "occurredAt", event, account_id AS "accountId", client_id AS "clientId",
         request_id AS "requestId", address, user_agent AS "userAgent", channel,
         details::text AS details, prev_hash AS "prevHash", hash, is_long_lived AS "isLongLived"
  FROM audit_events WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?`;

/**
 * Appends events in order behind `from` and moves the head, in one statement: no round trip passes
 * while the head is locked.
 *
 * @param from - where this process knows the genuine head to be, or has locked it
 * @returns the new head; undefined when the head is elsewhere by now, then nothing was written
 */
export async function appendAfter(
  db: Knex,
  from: Head,
  events: readonly EventFields[],
  keys: ChainKeys,
): Promise<Head | undefined> {
  const texts: string[] = [];
  const hashes: Buffer[] = [];
  let hash = from.hash;
  for (const fields of events) {
    const text = hashedText({ ...fields, seq: from.seq + texts.length + 1, prevHash: hash });
    hash = hashOfText(text);
    texts.push(text);
    hashes.push(hash);
  }
  const point = { seq: from.seq + texts.length, hash };
  const to = { ...point, mac: keys.macOf(point) };
  const appended = await APPEND.count(db, {
    ...{ fromSeq: from.seq, fromHash: from.hash, fromMac: from.mac, ...to },
    rows: `[${texts.join(',')}]`,
    hashes: Buffer.concat(hashes),
    longLived: LONG_LIVED_EVENTS,
  });
  return appended === texts.length ? to : undefined;
}

/**
 * Takes the head's lock, which is held until the transaction ends.
 *
 * @throws AuditHeadForged when the head does not carry our mac
 */
export async function lockHead(transaction: Knex.Transaction, keys: ChainKeys): Promise<Head> {
  const head = headFrom(await LOCK_HEAD.first(transaction, {}));
  if (!head || !keys.isGenuineHead(head)) throw new AuditHeadForged(head?.seq ?? 0);
  return head;
}

/** What the chain claims about its end, read by one statement and so at one moment. */
export interface ChainEnd {
  /** Undefined when its row was deleted. */
  readonly head: Head | undefined;
  /** 0 when there are none. */
  readonly lastEventSeq: number;
  readonly lastCheckpointSeq: number;
}

export async function readChainEnd(db: Knex): Promise<ChainEnd> {
  const { rows } = await db.raw<{
    rows: (Partial<HeadRow> & { events: string; checkpoints: string })[];
  }>(`
    SELECT head.seq, head.hash, head.mac,
           (SELECT coalesce(max(seq), 0) FROM audit_events) AS events,
           (SELECT coalesce(max(seq), 0) FROM audit_checkpoints) AS checkpoints
    FROM (SELECT 1) AS always LEFT JOIN audit_head AS head ON true`);
  const [row] = rows;
  return {
    head: row?.hash ? headFrom(row as HeadRow) : undefined,
    lastEventSeq: Number(row?.events),
    lastCheckpointSeq: Number(row?.checkpoints),
  };
}

/** At most `limit` rows with `after < seq ≤ upTo`, in order. */
export async function readChain(
  db: Knex,
  { after, upTo, limit }: { after: number; upTo: number; limit: number },
): Promise<ChainedRow[]> {
  const { rows } = await db.raw<{ rows: (Omit<ChainedRow, 'seq'> & { seq: string })[] }>(READ, [
    after,
    upTo,
    limit,
  ]);
  return rows.map((row) => ({
    ...row,
    seq: Number(row.seq),
    details: canonicalFromStored(row.details),
  }));
}

function headFrom(row: HeadRow | undefined): Head | undefined {
  return row && { seq: Number(row.seq), hash: row.hash, mac: row.mac };
}
