/**
 * The outbox: what this server owes others (logout notices, messages), written in the transaction
 * that makes it owed and sent later by outbox-worker.ts, at least once, deduplicated by its id.
 * Whoever owes something calls `enqueue`; only the worker claims and finishes. All times are the
 * database's, so that processes with different clocks agree. Why not pg-boss: docs/decisions/0005.
 */
import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import type { Sealer } from '#crypto/sealing.ts';
import type { Payload } from '#store/record-store.ts';

export interface EnqueueOptions {
  /** The job exists only if this transaction commits; the worker is woken after that. */
  readonly transaction?: Knex.Transaction;
  /** 1–200 characters, no personal data; the same id is taken once. Random when absent. */
  readonly id?: string;
  /** Who receives it, e.g. the host: few at a time per group. The kind when absent. */
  readonly groupKey?: string;
}

/** A job that this process may attempt until its lease ends. */
export interface ClaimedJob {
  readonly id: string;
  readonly kind: string;
  readonly groupKey: string;
  /** Counts from 1; an attempt whose worker died counts. */
  readonly attempt: number;
  /** Age when it was claimed. */
  readonly ageSeconds: number;
  readonly claim: string;
  /** @throws SealBroken */
  openPayload(): Payload;
}

export interface ClaimRequest {
  readonly kinds: readonly string[];
  readonly limit: number;
  readonly limitPerGroup: number;
  /** How many of each group this process is attempting now. */
  readonly inFlight: Readonly<Record<string, number>>;
  /** After this time without an outcome the job may be claimed by another process. */
  readonly leaseSeconds: number;
}

/** What an attempt came to, for the delivery record. */
export interface AttemptRecord {
  readonly httpStatus?: number | undefined;
  readonly errorCode?: string | undefined;
  readonly durationMilliseconds: number;
}

export type NextStep =
  | { readonly state: 'delivered' | 'given_up' }
  | { readonly state: 'pending'; readonly delaySeconds: number };

export class Outbox {
  readonly #db: Knex;
  readonly #sealer: Sealer;
  readonly #listeners = new Set<() => void>();

  constructor(parts: { readonly db: Knex; readonly sealer: Sealer }) {
    this.#db = parts.db;
    this.#sealer = parts.sealer;
  }

  /**
   * Owes one delivery from now on.
   *
   * @param payload - JSON, kept sealed until the job is finished
   * @returns false when a job of this id exists already, finished or not; nothing is changed then
   */
  async enqueue(kind: string, payload: Payload, options: EnqueueOptions = {}): Promise<boolean> {
    const { transaction, id = randomUUID(), groupKey = kind } = options;
    const payloadSealed = this.#sealer.seal(JSON.stringify(payload), cellOf(id));
    const inserted = await (transaction ?? this.#db)('outbox')
      .insert({ id, kind, group_key: groupKey, payload_sealed: payloadSealed })
      .onConflict('id')
      .ignore()
      .returning<{ id: string }[]>('id');
    if (transaction) {
      transaction.executionPromise.then(
        () => this.#nudge(),
        () => undefined,
      );
    } else {
      this.#nudge();
    }
    return inserted.length === 1;
  }

  /** Calls the listener whenever this process enqueued something; returns how to stop that. */
  onEnqueued(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Takes due jobs for this process, oldest first, and notes that an attempt began. One statement:
   * of concurrent callers, each job goes to one. Groups are visited by index, so that the backlog
   * of a dead receiver costs the others nothing.
   */
  async claim(request: ClaimRequest): Promise<ClaimedJob[]> {
    const claim = randomUUID();
    const { rows } = await this.#db.raw<{ rows: ClaimRow[] }>(CLAIM, {
      kinds: [...request.kinds],
      perGroup: request.limitPerGroup,
      inFlight: JSON.stringify(request.inFlight),
      limit: request.limit,
      lease: request.leaseSeconds,
      claim,
    });
    return rows.map((row) => ({
      id: row.id,
      kind: row.kind,
      groupKey: row.group_key,
      attempt: row.attempts,
      ageSeconds: Number(row.age_seconds),
      claim,
      openPayload: () =>
        JSON.parse(this.#sealer.open(row.payload_sealed, cellOf(row.id))) as Payload,
    }));
  }

  /**
   * Records what an attempt came to and what happens to the job.
   *
   * @returns false when the lease ended and another process has the job; only the record is kept
   */
  async finish(job: ClaimedJob, next: NextStep, record: AttemptRecord): Promise<boolean> {
    const { rows } = await this.#db.raw<{ rows: { id: string }[] }>(FINISH, {
      id: job.id,
      attempt: job.attempt,
      claim: job.claim,
      state: next.state,
      delay: next.state === 'pending' ? next.delaySeconds : 0,
      outcome: next.state === 'pending' ? 'retry' : next.state,
      httpStatus: record.httpStatus ?? null,
      errorCode: record.errorCode ?? null,
      duration: Math.round(record.durationMilliseconds),
    });
    return rows.length === 1;
  }

  /** What is owed and not made; the age of its oldest in seconds, 0 when there is none. */
  async backlog(): Promise<{ pending: number; oldestSeconds: number }> {
    const { rows } = await this.#db.raw<{ rows: [{ pending: string; oldest: string | null }] }>(
      BACKLOG,
    );
    return { pending: Number(rows[0].pending), oldestSeconds: Number(rows[0].oldest ?? 0) };
  }

  /** Deletes finished jobs when they are older; returns how many. Their records go by the month. */
  async sweep(olderThanSeconds: number, limit: number): Promise<number> {
    const old = this.#db('outbox')
      .select('id')
      .whereNot('state', 'pending')
      .whereRaw('finished_at < now() - make_interval(secs => ?)', [olderThanSeconds])
      .limit(limit);
    return await this.#db('outbox').whereIn('id', old).delete();
  }

  #nudge() {
    for (const listener of this.#listeners) listener();
  }
}

interface ClaimRow {
  id: string;
  kind: string;
  group_key: string;
  payload_sealed: string;
  attempts: number;
  age_seconds: string | number;
}

const cellOf = (id: string) => ({ table: 'outbox', column: 'payload_sealed', rowId: id });

// A claimed job's due time is the end of its lease: a dead worker's job becomes due by itself.
const CLAIM = `
WITH RECURSIVE groups (group_key) AS (
  SELECT min(group_key) FROM outbox WHERE state = 'pending'
  UNION ALL
  SELECT (SELECT min(o.group_key) FROM outbox o
           WHERE o.state = 'pending' AND o.group_key > g.group_key)
    FROM groups g WHERE g.group_key IS NOT NULL
), due AS (
  SELECT candidate.id
    FROM groups g CROSS JOIN LATERAL (
      SELECT o.id, o.due_at FROM outbox o
       WHERE o.state = 'pending' AND o.group_key = g.group_key AND o.due_at <= now()
         AND o.kind = ANY (CAST(:kinds AS text[]))
       ORDER BY o.due_at
       LIMIT greatest(0, CAST(:perGroup AS integer)
                         - coalesce(CAST(CAST(:inFlight AS jsonb) ->> g.group_key AS integer), 0))
         FOR UPDATE SKIP LOCKED
    ) candidate
   ORDER BY candidate.due_at
   LIMIT CAST(:limit AS integer)
), claimed AS (
  UPDATE outbox
     SET attempts = attempts + 1, claimed_by = CAST(:claim AS uuid),
         due_at = now() + make_interval(secs => :lease)
    FROM due WHERE outbox.id = due.id
  RETURNING outbox.*
), begun AS (
  INSERT INTO outbox_attempts (outbox_id, number) SELECT id, attempts FROM claimed
)
SELECT id, kind, group_key, payload_sealed, attempts,
       extract(epoch FROM now() - enqueued_at) AS age_seconds
  FROM claimed`;

const BACKLOG = `
SELECT count(*) AS pending, extract(epoch FROM now() - min(enqueued_at)) AS oldest
  FROM outbox WHERE state = 'pending'`;

const FINISH = `
WITH record AS (
  UPDATE outbox_attempts
     SET outcome = :outcome, http_status = :httpStatus, error_code = :errorCode,
         duration_milliseconds = :duration
   WHERE outbox_id = :id AND number = :attempt
     AND started_at > now() - interval '1 hour' -- an attempt takes seconds; this month's partition
)
UPDATE outbox
   SET state = :state, claimed_by = NULL,
       due_at = now() + make_interval(secs => :delay),
       payload_sealed = CASE WHEN CAST(:state AS text) = 'pending' THEN payload_sealed END,
       finished_at = CASE WHEN CAST(:state AS text) = 'pending' THEN NULL ELSE now() END
 WHERE id = :id AND state = 'pending' AND claimed_by = CAST(:claim AS uuid)
RETURNING id`;
