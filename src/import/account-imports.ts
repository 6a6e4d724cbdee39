/** The table `account_imports`: which file was read how far, so that each of its lines counts once. */
import type { Knex } from 'knex';
import type { Clock } from '#lib/clock.ts';

export interface ImportState {
  readonly id: number;
  /** Bytes of the file that are dealt with. */
  readonly position: number;
  readonly lines: number;
  readonly imported: number;
  /** Lines whose account was there already. */
  readonly present: number;
  readonly refused: number;
  /** Length of the list of refused lines. */
  readonly refusedBytes: number;
  readonly finishedAt: Date | undefined;
}

/** Another run went on with the same file at the same time. */
export class ImportTakenOver extends Error {
  constructor() {
    super('Another run is importing the same file; this one stops.');
    this.name = 'ImportTakenOver';
  }
}

interface Row {
  id: string;
  file_hash: Buffer;
  position: string;
  lines: string;
  imported: string;
  present: string;
  refused: string;
  refused_bytes: string;
  started_at: Date;
  finished_at: Date | null;
}

export class AccountImports {
  readonly #db: Knex;
  readonly #clock: Clock;

  constructor(db: Knex, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** The state of a file's import: a new one, or one to go on with. */
  async begin(fileHash: Buffer): Promise<ImportState> {
    await this.#db('account_imports')
      .insert({ file_hash: fileHash, started_at: this.#clock.now() })
      .onConflict('file_hash')
      .ignore();
    const row: Row | undefined = await this.#db<Row>('account_imports')
      .where({ file_hash: fileHash })
      .first();
    if (!row) throw new Error('account_imports: the row is gone');
    return {
      id: Number(row.id),
      position: Number(row.position),
      lines: Number(row.lines),
      imported: Number(row.imported),
      present: Number(row.present),
      refused: Number(row.refused),
      refusedBytes: Number(row.refused_bytes),
      finishedAt: row.finished_at ?? undefined,
    };
  }

  /**
   * Notes, in the transaction that stores a portion, that the file is dealt with up to `next`.
   *
   * @throws ImportTakenOver when it no longer stands at `from`; the transaction must roll back
   */
  async advance(from: ImportState, next: ImportState, transaction: Knex): Promise<void> {
    const { position, lines, imported, present, refused, refusedBytes } = next;
    const updated = await transaction('account_imports')
      .where({ id: from.id, position: from.position, lines: from.lines })
      .update({ position, lines, imported, present, refused, refused_bytes: refusedBytes });
    if (updated !== 1) throw new ImportTakenOver();
  }

  async finish(id: number): Promise<void> {
    await this.#db('account_imports').where({ id }).update({ finished_at: this.#clock.now() });
  }
}
