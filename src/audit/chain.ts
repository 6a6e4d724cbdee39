/**
 * The tables `audit_events` and `audit_head`: appending under the head's lock, and reading in order.
 * The two are one file because neither may ever change without the other.
 */
import type { Knex } from 'knex';
import type { ChainKeys, ChainPoint } from './chain-keys.ts';
import { canonicalFromStored, chain, type ChainedRow, type EventFields } from './event-row.ts';

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

const APPEND = `
  WITH appended AS (
    INSERT INTO audit_events (seq, id, occurred_at, event, account_id, client_id, request_id,
                              address, user_agent, channel, details, prev_hash, hash)
    SELECT * FROM unnest(?::bigint[], ?::uuid[], ?::timestamptz[], ?::text[], ?::uuid[], ?::text[],
                         ?::text[], ?::text[], ?::text[], ?::text[], ?::jsonb[], ?::bytea[],
                         ?::bytea[])
  )
  UPDATE audit_head SET seq = ?, hash = ?, mac = ?`;

const READ = `
  SELECT seq, id, to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
           AS "occurredAt", event, account_id AS "accountId", client_id AS "clientId",
         request_id AS "requestId", address, user_agent AS "userAgent", channel,
         details::text AS details, prev_hash AS "prevHash", hash
  FROM audit_events WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?`;

/**
 * Appends events in order and moves the head, in the transaction given; takes the head's lock, which
 * is held until that transaction ends.
 *
 * @returns the places of the old and the new head
 * @throws AuditHeadForged when the head does not carry our mac
 */
export async function appendToChain(
  transaction: Knex.Transaction,
  events: readonly EventFields[],
  keys: ChainKeys,
): Promise<{ from: ChainPoint; to: ChainPoint }> {
  const from = await lockHead(transaction, keys);
  let to: ChainPoint = from;
  const rows = events.map((fields) => {
    const row = chain(fields, to.seq + 1, to.hash);
    to = row;
    return row;
  });
  await transaction.raw(APPEND, [...columnsOf(rows), to.seq, to.hash, keys.macOf(to)]);
  return { from, to };
}

async function lockHead(transaction: Knex.Transaction, keys: ChainKeys): Promise<Head> {
  const { rows } = await transaction.raw<{ rows: HeadRow[] }>(
    'SELECT seq, hash, mac FROM audit_head FOR UPDATE',
  );
  const head = headFrom(rows[0]);
  if (!head || !keys.isGenuineHead(head)) throw new AuditHeadForged(head?.seq ?? 0);
  return head;
}

/** One array per column: the statement's text stays the same for every number of rows. */
function columnsOf(rows: readonly ChainedRow[]): Knex.RawBinding[] {
  return [
    rows.map((row) => row.seq),
    rows.map((row) => row.id),
    rows.map((row) => row.occurredAt),
    rows.map((row) => row.event),
    // Knex's type of an array binding forgets that its elements may be null.
    rows.map((row) => row.accountId) as string[],
    rows.map((row) => row.clientId) as string[],
    rows.map((row) => row.requestId),
    rows.map((row) => row.address),
    rows.map((row) => row.userAgent),
    rows.map((row) => row.channel),
    rows.map((row) => row.details),
    rows.map((row) => row.prevHash),
    rows.map((row) => row.hash),
  ];
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
