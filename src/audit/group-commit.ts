/**
 * Group commit of the audit log: while one write is under way, what comes meanwhile queues, and then
 * goes to the database together, so that the cost of the commit is shared. An entry may bring small
 * writes of its own, which are made in the same transaction before the head is locked: a change and
 * its events cost one commit, and neither is there without the other.
 */
import { setImmediate } from 'node:timers/promises';
import type { Knex } from 'knex';
import { AppError } from '#lib/errors.ts';
import type { Appended, ChainWriter } from './chain-writer.ts';
import type { EventFields } from './event-row.ts';

export interface Entry {
  /**
   * Names the rows that `write` changes; undefined for events alone. Of one batch those of the
   * least key write first, so that two processes never wait for each other in a circle.
   */
  readonly key: string | undefined;
  /** Gives the events to record. Called again, in another transaction, when the batch failed. */
  readonly write: (transaction: Knex) => Promise<readonly EventFields[]> | readonly EventFields[];
}

export interface GroupCommitOptions {
  readonly db: Knex;
  readonly writer: ChainWriter;
  /** Called after each write, once it is durable. */
  readonly onAppended: (appended: Appended) => void;
}

interface Waiting extends Entry {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Entries that may wait for one process; more are refused, so that memory stays bounded. */
const QUEUE_LENGTH = 4096;
/** Most entries of one write. */
const BATCH_SIZE = 500;

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  #queue: Waiting[] = [];
  #flushing: Promise<void> | undefined;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  /**
   * Resolves once the entry is durable.
   *
   * @throws AppError `server.busy` (503) when too many entries wait; else what the write threw
   */
  add(entry: Entry): Promise<void> {
    if (this.#queue.length >= QUEUE_LENGTH) {
      return Promise.reject(new AppError('server.busy', { retryAfterSeconds: 1 }));
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ ...entry, resolve, reject });
      this.#flushing ??= this.#flushAll();
    });
  }

  /** Entries that wait to be written. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Waits until everything that was added is durable, or refused. */
  async drain(): Promise<void> {
    await this.#flushing;
  }

  async #flushAll(): Promise<void> {
    while (this.#queue.length > 0) {
      // Whoever the last write woke up adds its next entry now; one turn later it is here.
      await setImmediate();
      await this.#flush(this.#queue.splice(0, BATCH_SIZE));
    }
    this.#flushing = undefined;
  }

  async #flush(batch: readonly Waiting[]): Promise<void> {
    try {
      await this.#commit(batch);
      for (const { resolve } of batch) resolve();
    } catch (error) {
      if (!(error instanceof EntryFailed)) {
        for (const { reject } of batch) reject(error);
        return;
      }
      // What one of them tripped over is not the others' fault: they are written without it.
      const failed = error.entry as Waiting;
      failed.reject(error.cause);
      if (batch.length > 1) await this.#flush(batch.filter((entry) => entry !== failed));
    }
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    const { db, writer, onAppended } = this.#options;
    const isPlain = batch.every(({ key }) => key === undefined);
    const appended = isPlain
      ? await write(db, batch, writer)
      : await db.transaction((transaction) => write(transaction, inOrder(batch), writer));
    if (!appended) return;
    writer.committed(appended);
    onAppended(appended);
  }
}

/** The writes of one entry failed, and with them the transaction. */
class EntryFailed extends Error {
  readonly entry: Entry;

  constructor(entry: Entry, cause: unknown) {
    super('an entry could not be written', { cause });
    this.entry = entry;
  }
}

async function write(db: Knex, batch: readonly Entry[], writer: ChainWriter) {
  const events: EventFields[] = [];
  for (const entry of batch) {
    try {
      events.push(...(await entry.write(db)));
    } catch (cause) {
      throw new EntryFailed(entry, cause);
    }
  }
  return events.length === 0 ? undefined : await writer.append(db, events);
}

const inOrder = (batch: readonly Waiting[]) =>
  batch.toSorted((a, b) => ((a.key ?? '') < (b.key ?? '') ? -1 : 1));
