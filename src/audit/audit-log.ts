/**
 * The audit log: takes events from everywhere in the process and makes them durable in one chain.
 *
 * Many requests record at the same moment, and each must wait until its row is on disk. While one
 * write is under way the next events queue, and then go to the database together (group commit), so
 * the cost of the commit is shared. Called by sign-in/, oidc/, clients/, jobs and the CLI; services.ts
 * makes one per process and closes it at shutdown.
 */
import { setImmediate } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { PurposeKeys } from '#crypto/key-ring.ts';
import { AppError } from '#lib/errors.ts';
import type { Clock } from '#lib/clock.ts';
import type { RequestOrigin } from '#lib/request-origin.ts';
import type { Settings } from '#config/settings.ts';
import { appendToChain, AuditHeadForged, readChainEnd } from './chain.ts';
import { ChainKeys, type Checkpoint, type ChainPoint } from './chain-keys.ts';
import { Checkpoints } from './checkpoints.ts';
import { fieldsOf, type EventFields } from './event-row.ts';
import type { AuditEventName, AuditEvents } from './events.ts';

export interface AuditLogOptions {
  readonly db: Knex;
  /** Those of the purpose `audit`. */
  readonly keys: PurposeKeys;
  readonly clock: Clock;
  readonly settings: Settings['audit'];
  /**
   * Called with every checkpoint that this process signed. Log it: kept outside the database it
   * betrays a chain that was cut or rewritten together with its checkpoints.
   */
  readonly onCheckpoint: (checkpoint: Checkpoint) => void;
  /** A checkpoint could not be made; it is tried again. Recording is not affected. */
  readonly onCheckpointFailure: (error: unknown) => void;
}

/** Events that may wait for one process; more are refused, so that memory stays bounded. */
const QUEUE_LENGTH = 4096;
/** Most rows of one write. */
const BATCH_SIZE = 500;
/** When to come again after a failed write. */
const RETRY_SECONDS = 5;

interface Waiting {
  readonly fields: EventFields;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class AuditLog {
  readonly #options: AuditLogOptions;
  readonly #keys: ChainKeys;
  readonly #checkpoints: Checkpoints;
  #queue: Waiting[] = [];
  #flushing: Promise<void> | undefined;
  #checkpointTimer: NodeJS.Timeout | undefined;
  #checkpointing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: AuditLogOptions) {
    this.#options = options;
    this.#keys = new ChainKeys(options.keys);
    this.#checkpoints = new Checkpoints(options.db);
  }

  /**
   * Records an event; resolves once it is durable.
   *
   * With `transaction` the row is written inside it and lives or dies with what else it does. Make
   * it the last statement: the chain's head stays locked until the transaction ends. Inside a
   * transaction always pass it on; the embedded database has only one connection to wait for.
   *
   * @throws AppError `server.busy` (503) when too many events wait, or the log is closed
   * @throws AppError `server.unavailable` (503) when nothing could be written, whatever the cause
   *   (AuditHeadForged, the driver's error): what is not recorded must not happen
   */
  async record<Name extends AuditEventName>(
    name: Name,
    details: AuditEvents[Name],
    origin: RequestOrigin,
    options: { readonly transaction?: Knex.Transaction } = {},
  ): Promise<void> {
    if (this.#closed) throw new AppError('server.busy', { retryAfterSeconds: 1 });
    const fields = fieldsOf({ name, details, origin }, this.#options.clock.now());
    try {
      if (options.transaction) await this.#appendIn(options.transaction, fields);
      else await this.#enqueue(fields);
    } catch (cause) {
      if (cause instanceof AppError) throw cause;
      throw new AppError('server.unavailable', { retryAfterSeconds: RETRY_SECONDS }, { cause });
    }
  }

  /**
   * Signs the present end of the chain, unless it is signed already.
   *
   * @throws AuditHeadForged or the driver's error
   */
  async checkpoint(): Promise<Checkpoint | undefined> {
    const { head, lastCheckpointSeq } = await readChainEnd(this.#options.db);
    if (!head || !this.#keys.isGenuineHead(head)) throw new AuditHeadForged(head?.seq ?? 0);
    if (head.seq <= lastCheckpointSeq) return undefined;
    const checkpoint = this.#keys.sign(head, this.#options.clock.now());
    if (!(await this.#checkpoints.add(checkpoint))) return undefined;
    this.#options.onCheckpoint(checkpoint);
    return checkpoint;
  }

  /** Takes no more events, waits until those taken are durable (or refused), signs the end. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#flushing;
    clearTimeout(this.#checkpointTimer);
    await this.#tryCheckpoint();
    clearTimeout(this.#checkpointTimer);
  }

  async #appendIn(transaction: Knex.Transaction, fields: EventFields): Promise<void> {
    const { from, to } = await appendToChain(transaction, [fields], this.#keys);
    transaction.executionPromise.then(
      () => this.#afterAppend(from, to),
      () => undefined, // rolled back: nothing was appended
    );
  }

  #enqueue(fields: EventFields): Promise<void> {
    if (this.#queue.length >= QUEUE_LENGTH) {
      return Promise.reject(new AppError('server.busy', { retryAfterSeconds: 1 }));
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ fields, resolve, reject });
      this.#flushing ??= this.#flushAll();
    });
  }

  async #flushAll(): Promise<void> {
    while (this.#queue.length > 0) {
      // Whoever the last write woke up records its next event now; one turn later it is here.
      await setImmediate();
      await this.#flush(this.#queue.splice(0, BATCH_SIZE));
    }
    this.#flushing = undefined;
  }

  async #flush(batch: readonly Waiting[]): Promise<void> {
    const events = batch.map(({ fields }) => fields);
    try {
      const { from, to } = await this.#options.db.transaction((transaction) =>
        appendToChain(transaction, events, this.#keys),
      );
      for (const { resolve } of batch) resolve();
      this.#afterAppend(from, to);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  /** Of all processes, the one whose write crosses a multiple of checkpointEvents signs. */
  #afterAppend(from: ChainPoint, to: ChainPoint): void {
    const { checkpointEvents } = this.#options.settings;
    const crossed =
      Math.floor(from.seq / checkpointEvents) !== Math.floor(to.seq / checkpointEvents);
    if (crossed) void this.#tryCheckpoint();
    else this.#scheduleCheckpoint();
  }

  #scheduleCheckpoint(): void {
    if (this.#checkpointTimer !== undefined || this.#closed) return;
    this.#checkpointTimer = setTimeout(() => {
      this.#checkpointTimer = undefined;
      void this.#tryCheckpoint();
    }, this.#options.settings.checkpointSeconds * 1000).unref();
  }

  /** One at a time; never rejects. */
  #tryCheckpoint(): Promise<void> {
    this.#checkpointing = this.#checkpointing.then(async () => {
      try {
        await this.checkpoint();
      } catch (error) {
        this.#options.onCheckpointFailure(error);
        this.#scheduleCheckpoint();
      }
    });
    return this.#checkpointing;
  }
}
