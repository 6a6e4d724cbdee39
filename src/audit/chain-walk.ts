/**
 * Following the chain row by row: what is known after the rows read so far, and which row is the bad
 * one when two do not fit. For verify.ts, and for retention.ts, which drops nothing that is not whole.
 */
import type { ChainKeys, Checkpoint, ChainPoint } from './chain-keys.ts';
import { GENESIS_HASH, hashOf, type ChainedRow } from './event-row.ts';
import { LONG_LIVED_EVENTS } from './events.ts';

export type BadReason =
  /** The row is gone: deleted, or the chain was cut at an end. */
  | 'missing'
  /** The row is not what it was when it was written (or was never written by us). */
  | 'changed'
  /** The row was put between two that belong together. */
  | 'inserted'
  /** From this row on the chain is consistent but not the one that was signed. */
  | 'rewritten'
  /** A checkpoint at this row was not signed by a holder of the audit key. */
  | 'checkpoint_forged'
  /** The chain's end is not vouched for: head missing, or without our mac. */
  | 'head_forged';

export interface BadRow {
  readonly ok: false;
  readonly firstBadSeq: number;
  readonly reason: BadReason;
}

/** The place that row 1 follows. */
export const GENESIS: ChainPoint = { seq: 0, hash: GENESIS_HASH };

const longLived = new Set<string>(LONG_LIVED_EVENTS);

/** A row of a long-lived kind without the mark would be dropped years too soon. */
export const isMisplaced = (row: ChainedRow) => longLived.has(row.event) && !row.isLongLived;

export function bad(firstBadSeq: number, reason: BadReason): BadRow {
  return { ok: false, firstBadSeq, reason };
}

/** What is known after the rows read so far. */
export class ChainWalk {
  readonly #keys: ChainKeys;
  #checkpoints: ReadonlyMap<number, Checkpoint> = new Map();
  readonly #anchors: ReadonlyMap<number, Checkpoint>;
  readonly #begin: number;
  #beforeLast: Buffer | undefined;
  /** The last row read; before the first, the place that it must follow. */
  last: ChainPoint;
  /** The last row that a good signature vouches for. */
  lastSigned: number;

  /** @param begin - a place that is vouched for: row 0, or the end of what was dropped */
  constructor(keys: ChainKeys, anchors: readonly Checkpoint[], begin: ChainPoint = GENESIS) {
    this.#keys = keys;
    this.#anchors = bySeq(anchors);
    this.#begin = begin.seq;
    this.last = begin;
    this.lastSigned = begin.seq;
  }

  expectCheckpoints(checkpoints: readonly Checkpoint[]): void {
    this.#checkpoints = bySeq(checkpoints);
  }

  /** Checks the next row; undefined when it is good as far as can be told yet. */
  step(row: ChainedRow): BadRow | undefined {
    if (row.seq !== this.last.seq + 1) return bad(this.last.seq + 1, 'missing');
    const isItself = hashOf(row).equals(row.hash);
    if (!row.prevHash.equals(this.last.hash)) return this.#brokenLink(row, isItself);
    if (!isItself || isMisplaced(row)) return bad(row.seq, 'changed');

    this.#beforeLast = this.last.hash;
    this.last = { seq: row.seq, hash: row.hash };
    return (
      this.#checkSignature(this.#checkpoints.get(row.seq)) ??
      this.#checkSignature(this.#anchors.get(row.seq))
    );
  }

  /** The row does not carry the hash of the one before: which of the two is the bad one? */
  #brokenLink(row: ChainedRow, isItself: boolean): BadRow {
    const before = this.last.seq;
    if (before === this.#begin) return bad(row.seq, 'changed');
    if (this.#beforeLast && row.prevHash.equals(this.#beforeLast)) return bad(before, 'inserted');
    // A row whose own hash is right vouches for what its predecessor was, unless that is signed.
    return isItself && before > this.lastSigned ? bad(before, 'changed') : bad(row.seq, 'changed');
  }

  #checkSignature(checkpoint: Checkpoint | undefined): BadRow | undefined {
    if (!checkpoint) return undefined;
    if (!this.#keys.isGenuineCheckpoint(checkpoint)) {
      return bad(checkpoint.seq, 'checkpoint_forged');
    }
    if (!checkpoint.hash.equals(this.last.hash)) return bad(this.lastSigned + 1, 'rewritten');
    this.lastSigned = checkpoint.seq;
    return undefined;
  }
}

const bySeq = (checkpoints: readonly Checkpoint[]) =>
  new Map(checkpoints.map((checkpoint) => [checkpoint.seq, checkpoint]));
