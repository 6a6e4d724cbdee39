/**
 * Importing accounts of another system from a file of one JSON object a line. This folder owns the
 * form of a line (account-line.ts), the table account_imports and the order of the work; the rows are
 * the repositories'. Called by commands/import.ts.
 *
 * The file is read in portions, each stored in one transaction together with how far it was read.
 * A run that was killed anywhere goes on from there.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { ImportState } from './account-imports.ts';
import { readPortions } from './line-portions.ts';
import { Preparation, type PreparationParts, type PreparedPortion } from './prepare-account.ts';
import { RefusedFile } from './refused-file.ts';
import { storePortion, type StoringParts } from './store-portion.ts';

export interface ImportProgress {
  readonly phase: 'checking' | 'importing';
  readonly bytes: number;
  readonly totalBytes: number;
  readonly imported: number;
  readonly present: number;
  readonly refused: number;
}

export interface ImportOptions {
  /** Lines stored at once. */
  readonly portionLines: number;
  readonly refusedPath: string;
  readonly onProgress: (progress: ImportProgress) => void;
}

export interface ImportResult extends ImportState {
  /** The file had been imported to its end before; nothing was done. */
  readonly wasFinished: boolean;
  /** Lines that an earlier run had dealt with. */
  readonly skippedLines: number;
}

export class AccountImport {
  readonly #parts: StoringParts;
  readonly #preparation: Preparation;

  constructor(parts: StoringParts & PreparationParts) {
    this.#parts = parts;
    this.#preparation = new Preparation(parts);
  }

  /**
   * Imports a file, or goes on with it.
   *
   * @throws ImportTakenOver when another run does the same; errors of file system and database. What
   *   was stored until then stays, and the next run goes on behind it
   */
  async run(file: string, options: ImportOptions): Promise<ImportResult> {
    const totalBytes = (await stat(file)).size;
    const report = (bytes: number, phase: ImportProgress['phase'], state?: ImportState) =>
      options.onProgress({
        ...{ phase, bytes, totalBytes },
        ...{ imported: state?.imported ?? 0, present: state?.present ?? 0 },
        refused: state?.refused ?? 0,
      });
    const hash = await hashOf(file, (bytes) => report(bytes, 'checking'));
    const begun = await this.#parts.imports.begin(hash);
    const skippedLines = begun.lines;
    if (begun.finishedAt) return { ...begun, wasFinished: true, skippedLines };

    const refusedFile = await RefusedFile.open(options.refusedPath, begun.refusedBytes);
    let state: ImportState = { ...begun, refusedBytes: refusedFile.length };
    try {
      report(state.position, 'importing', state);
      for await (const portion of this.#prepared(file, begun, options.portionLines)) {
        state = await storePortion(this.#parts, state, portion, refusedFile);
        report(state.position, 'importing', state);
      }
    } finally {
      await refusedFile.close();
    }
    await this.#parts.imports.finish(state.id);
    return { ...state, wasFinished: false, skippedLines };
  }

  /** One portion ahead: it is prepared while the one before is stored. */
  async *#prepared(
    file: string,
    from: ImportState,
    portionLines: number,
  ): AsyncGenerator<PreparedPortion> {
    let ahead: Promise<PreparedPortion> | undefined;
    for await (const portion of readPortions(file, from, portionLines)) {
      const current = ahead;
      ahead = this.#preparation.prepare(portion, from.id);
      // Awaited one portion later; until then a failure must not count as unhandled.
      ahead.catch(() => undefined);
      if (current) yield await current;
    }
    if (ahead) yield await ahead;
  }
}

/** SHA-256 of the content: the same people in a file of another name are the same import. */
async function hashOf(file: string, onBytes: (bytes: number) => void): Promise<Buffer> {
  const hash = createHash('sha256');
  let bytes = 0;
  const stream = createReadStream(file, { highWaterMark: 4 * 1024 * 1024 });
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
    onBytes(bytes);
  }
  return hash.digest();
}
