/**
 * The list of refused lines beside the imported file: line number and reasons, one JSON object a
 * line, nothing of the line itself. Only its owner may read it.
 */
import { open, rm, type FileHandle } from 'node:fs/promises';
import type { RefusedLine } from './prepare-account.ts';

export class RefusedFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  #length: number;

  private constructor(path: string, handle: FileHandle, length: number) {
    this.#path = path;
    this.#handle = handle;
    this.#length = length;
  }

  /**
   * Opens the list for going on at a length; what is behind it belongs to a portion that was not
   * stored, and comes again. A list that was moved away meanwhile begins anew.
   */
  static async open(path: string, length: number): Promise<RefusedFile> {
    const handle = await open(path, 'a', 0o600);
    const { size } = await handle.stat();
    const kept = Math.min(size, length);
    await handle.truncate(kept);
    return new RefusedFile(path, handle, kept);
  }

  /** Durable when it resolves: the portion's transaction commits after it. */
  async append(lines: readonly RefusedLine[]): Promise<void> {
    if (lines.length === 0) return;
    const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    await this.#handle.appendFile(bytes);
    await this.#handle.datasync();
    this.#length += bytes.length;
  }

  get length(): number {
    return this.#length;
  }

  /** Back to a length, because the portion is tried again. */
  async cutTo(length: number): Promise<void> {
    await this.#handle.truncate(length);
    this.#length = length;
  }

  /** An empty list is removed. */
  async close(): Promise<void> {
    await this.#handle.close();
    if (this.#length === 0) await rm(this.#path, { force: true });
  }
}
