/**
 * The audit log: takes events from everywhere in the process and makes them durable in one chain.
 *
 * Many requests record at the same moment, and each must wait until its row is on disk: they share
 * their commits (group-commit.ts), and small changes may go along with their events. Called by sign-in/, oidc/, clients/, jobs and the CLI; services.ts
 * makes one per process and closes it at shutdown.
 */
import type { Knex } from 'knex';
import type { PurposeKeys } from '#crypto/key-ring.ts';
import { AppError } from '#lib/errors.ts';
import type { Clock } from '#lib/clock.ts';
import type { RequestOrigin } from '#lib/request-origin.ts';
import type { Settings } from '#config/settings.ts';
import { AuditHeadForged, readChainEnd } from './chain.ts';
import { ChainKeys, type Checkpoint } from './chain-keys.ts';
import { ChainWriter, type Appended } from './chain-writer.ts';
import { Checkpoints } from './checkpoints.ts';
import { fieldsOf, type EventFields } from './event-row.ts';
import type { AuditEvent, AuditEventName, AuditEvents, NamedEvent } from './events.ts';
import { GroupCommit } from './group-commit.ts';

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

/** When to come again after a failed write. */
const RETRY_SECONDS = 5;

/** Small writes that live or die with the events that they give rise to. */
export interface AuditedChange<Result> {
  /** Names the rows that are changed, e.g. the account: orders the changes of one transaction. */
  readonly key: string;
  readonly origin: RequestOrigin;
  /**
   * Makes the change, in the transaction given, with few quick statements: others wait behind it. It
   * may be called again, in another transaction, when the first was rolled back.
   */
  readonly make: (
    transaction: Knex,
  ) => Promise<{ readonly result: Result; readonly events: readonly NamedEvent[] }>;
}

export class AuditLog {
  readonly #options: AuditLogOptions;
  readonly #keys: ChainKeys;
  readonly #checkpoints: Checkpoints;
  readonly #writer: ChainWriter;
  readonly #commits: GroupCommit;
  #checkpointTimer: NodeJS.Timeout | undefined;
  #checkpointing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: AuditLogOptions) {
    this.#options = options;
    this.#keys = new ChainKeys(options.keys);
    this.#checkpoints = new Checkpoints(options.db);
    this.#writer = new ChainWriter(this.#keys);
    this.#commits = new GroupCommit({
      db: options.db,
      writer: this.#writer,
      onAppended: (appended) => this.#afterAppend(appended),
    });
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
    const fields = this.#fieldsOf({ name, details, origin });
    await this.#guarded(async () => {
      if (options.transaction) await this.#appendIn(options.transaction, fields);
      else await this.#commits.add({ key: undefined, write: () => [fields] });
    });
  }

  /**
   * Makes a change and records its events in one transaction, together with what others record at
   * this moment; resolves once all of it is durable.
   *
   * @throws as `record`; then neither the change nor the events are there
   */
  async change<Result>({ key, origin, make }: AuditedChange<Result>): Promise<Result> {
    return await this.#guarded(async () => {
      let made: { result: Result } | undefined;
      const write = async (transaction: Knex) => {
        const { result, events } = await make(transaction);
        made = { result };
        return events.map((event) => this.#fieldsOf({ ...event, origin }));
      };
      await this.#commits.add({ key, write });
      if (made === undefined) throw new Error('A change was committed without being made.');
      return made.result;
    });
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

  /** Entries that wait to be written. */
  get waiting(): number {
    return this.#commits.waiting;
  }

  /** Takes no more events, waits until those taken are durable (or refused), signs the end. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#commits.drain();
    clearTimeout(this.#checkpointTimer);
    await this.#tryCheckpoint();
    clearTimeout(this.#checkpointTimer);
  }

  #fieldsOf(event: AuditEvent): EventFields {
    return fieldsOf(event, this.#options.clock.now());
  }

  async #guarded<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#closed) throw new AppError('server.busy', { retryAfterSeconds: 1 });
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof AppError) throw cause;
      throw new AppError('server.unavailable', { retryAfterSeconds: RETRY_SECONDS }, { cause });
    }
  }

  async #appendIn(transaction: Knex.Transaction, fields: EventFields): Promise<void> {
    const appended = await this.#writer.append(transaction, [fields]);
    transaction.executionPromise.then(
      () => {
        this.#writer.committed(appended);
        this.#afterAppend(appended);
      },
      () => undefined, // rolled back: nothing was appended
    );
  }

  /** Of all processes, the one whose write crosses a multiple of checkpointEvents signs. */
  #afterAppend({ from, to }: Appended): void {
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
