/**
 * The table `changes`: how a change is written, and how what became visible since a look is read.
 * Used by the change feed; statements that announce what they change themselves take `announcing`.
 */
import type { Knex } from 'knex';
import { CHANGE_KINDS, type ChangeKind, type GoodFrom } from './recent-changes.ts';

export interface Change {
  readonly kind: ChangeKind;
  /** Hex SHA-256 of a handle, or a public id. */
  readonly key: string;
  /** The version from which on copies are good, growing per key; `gone`: none ever. */
  readonly version: GoodFrom;
}

/** What a look could see: transactions from `xmax` on and those of `xip` it could not. */
export interface Snapshot {
  readonly xmax: string;
  readonly xip: readonly string[];
  readonly server: string;
}
export const NOTHING_SEEN: Snapshot = { xmax: '0', xip: [], server: '' };

export interface Position {
  readonly xid: string;
  readonly id: string;
}

export interface Page {
  readonly snapshot: Snapshot;
  readonly changes: readonly Change[];
  /** There is more after `last`. */
  readonly full: boolean;
  readonly last: Position;
}

export async function writeChanges(db: Knex, changes: readonly Change[]): Promise<void> {
  const rows = changes.map(({ kind, key, version }) => ({
    ...{ kind, key },
    version: version === 'gone' ? null : version,
  }));
  await db.raw(WRITE, { rows: JSON.stringify(rows) });
}

/**
 * What became visible since a snapshot, from a position on.
 *
 * @throws Error on a standby, which may lag behind, and the driver's error
 */
export async function readChanges(
  db: Knex,
  since: Snapshot,
  after: Position,
  pageRows: number,
): Promise<Page> {
  const { rows } = await db.raw<{ rows: Row[] }>(READ, {
    ...{ xmax: after.xid, id: after.id, xip: [...since.xip], pageRows },
  });
  const [first] = rows;
  if (!first || first.is_standby) throw new Error('The change feed needs the primary database.');
  const changed = rows.filter(isChange);
  const later = changed.filter((row) => row.is_later);
  return {
    snapshot: { xmax: first.xmax, xip: first.xip, server: first.server },
    changes: changed.filter((row) => isKnown(row.kind)).map(toChange),
    full: later.length === pageRows,
    last: later.at(-1) ?? after,
  };
}

/** Deletes at most `limit` changes that are older; returns how many. */
export async function sweepChanges(db: Knex, seconds: number, limit: number): Promise<number> {
  return (await db.raw<{ rowCount: number }>(SWEEP, { seconds, limit })).rowCount;
}

interface ChangeRow extends Position {
  readonly is_later: boolean;
  readonly kind: string;
  readonly key: string;
  readonly version: string | null;
}
/** One with nulls when nothing changed. */
type Row = Snapshot & { readonly is_standby: boolean } & (ChangeRow | { readonly xid: null });

const isChange = (row: Row): row is Row & ChangeRow => row.xid !== null;

/** A newer release on another node may announce what this one has no copies of. */
const isKnown = (kind: string): kind is ChangeKind =>
  (CHANGE_KINDS as readonly string[]).includes(kind);

const toChange = ({ kind, key, version }: ChangeRow): Change => ({
  kind: kind as ChangeKind,
  key,
  version: version === null ? 'gone' : Number(version),
});

/**
 * For a statement that makes the change and announces it in one: a CTE of this text.
 *
 * @param select - SQL that gives kind (text), key (text) and version (bigint, NULL for `gone`), of
 *   other CTEs as a rule; rows it does not give are not announced
 */
export const announcing = (select: string): string =>
  `INSERT INTO changes (kind, key, version) ${select}`;

const WRITE = announcing(
  `SELECT kind, key, version FROM json_to_recordset(CAST(:rows AS json))
     AS change (kind text, key text, version bigint)`,
);

// One snapshot for what is read and for what is told about it. Transactions of `xip` are older than
// any later one, so no row comes twice.
const READ = `
  SELECT CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS xmax,
    ARRAY(SELECT CAST(x AS text) FROM pg_snapshot_xip(pg_current_snapshot()) AS x) AS xip,
    CAST(pg_postmaster_start_time() AS text) AS server, pg_is_in_recovery() AS is_standby,
    CAST(c.xid AS text) AS xid, c.id, c.kind, c.key, c.version, c.is_later
  FROM (SELECT 1) AS always LEFT JOIN (
    SELECT * FROM (
      SELECT *, true AS is_later FROM changes
      WHERE (xid, id) > (CAST(CAST(:xmax AS text) AS xid8), CAST(:id AS bigint))
      ORDER BY xid, id LIMIT :pageRows
    ) AS later
    UNION ALL
    SELECT *, false AS is_later FROM changes
    WHERE xid = ANY (CAST(CAST(:xip AS text[]) AS xid8[]))
  ) AS c ON true
  ORDER BY c.xid, c.id`;

const SWEEP = `
  DELETE FROM changes WHERE (xid, id) IN (
    SELECT xid, id FROM changes
    WHERE at < now() - make_interval(secs => :seconds) LIMIT :limit
  )`;
