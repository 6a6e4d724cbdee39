/**
 * The verifier of the audit chain: reads every row once, in order, and names the first bad one.
 * Called by `npm run cli -- audit verify`; it runs beside live writers, on any role that may read.
 *
 * What vouches for a row: the next row (which carries its hash), the checkpoints (which only the
 * audit key can sign), and the head (whose mac only the audit key can make). Hashes alone need no
 * key: whoever owns the tables can rewrite a row and every row after it. Then the signatures no
 * longer fit, and the first row after the last good one is named, because from there on nothing
 * tells true from false.
 */
import type { Knex } from 'knex';
import type { PurposeKeys } from '#crypto/key-ring.ts';
import { ChainKeys, type Checkpoint, type ChainPoint } from './chain-keys.ts';
import { readChain, readChainEnd, type ChainEnd } from './chain.ts';
import { Checkpoints } from './checkpoints.ts';
import { GENESIS_HASH, hashOf, type ChainedRow } from './event-row.ts';

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

export interface GoodChain {
  readonly ok: true;
  /** Rows that were checked. */
  readonly events: number;
  readonly head: ChainPoint;
}

const BATCH_SIZE = 1000;

/**
 * Checks the whole chain, as far as it reaches at the moment of the call.
 *
 * @param keys - those of the purpose `audit`; retired ones too, while rows signed under them exist
 * @param anchors - checkpoints kept outside the database, e.g. from the log; they also betray a
 *   chain that was set back to an earlier state together with its head and checkpoints
 */
export async function verifyAuditChain(
  db: Knex,
  keys: PurposeKeys,
  anchors: readonly Checkpoint[] = [],
): Promise<GoodChain | BadRow> {
  const chainKeys = new ChainKeys(keys);
  const end = await readChainEnd(db);
  const walk = new ChainWalk(chainKeys, anchors);
  const checkpoints = new Checkpoints(db);

  for (let after = 0; after < end.lastEventSeq; after += BATCH_SIZE) {
    const upTo = Math.min(after + BATCH_SIZE, end.lastEventSeq);
    const signed = await checkpoints.between(after, upTo);
    walk.expectCheckpoints(signed);
    for (const row of await readChain(db, { after, upTo, limit: BATCH_SIZE })) {
      const bad = walk.step(row);
      if (bad) return bad;
    }
  }
  return checkEnd(walk, end, { chainKeys, anchors });
}

function bad(firstBadSeq: number, reason: BadReason): BadRow {
  return { ok: false, firstBadSeq, reason };
}

/** What is known after the rows read so far. */
class ChainWalk {
  readonly #keys: ChainKeys;
  #checkpoints: ReadonlyMap<number, Checkpoint> = new Map();
  readonly #anchors: ReadonlyMap<number, Checkpoint>;
  #beforeLast: Buffer | undefined;
  /** The last row read; before the first, the place that row 1 must follow. */
  last: ChainPoint = { seq: 0, hash: GENESIS_HASH };
  /** The last row that a good signature vouches for. */
  lastSigned = 0;

  constructor(keys: ChainKeys, anchors: readonly Checkpoint[]) {
    this.#keys = keys;
    this.#anchors = bySeq(anchors);
  }

  expectCheckpoints(checkpoints: readonly Checkpoint[]): void {
    this.#checkpoints = bySeq(checkpoints);
  }

  /** Checks the next row; undefined when it is good as far as can be told yet. */
  step(row: ChainedRow): BadRow | undefined {
    if (row.seq !== this.last.seq + 1) return bad(this.last.seq + 1, 'missing');
    const isItself = hashOf(row).equals(row.hash);
    if (!row.prevHash.equals(this.last.hash)) return this.#brokenLink(row, isItself);
    if (!isItself) return bad(row.seq, 'changed');

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
    if (before === 0) return bad(row.seq, 'changed');
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

/** After the last row: is it the one that the head, the checkpoints and the anchors say it is? */
function checkEnd(
  walk: ChainWalk,
  { head, lastEventSeq, lastCheckpointSeq }: ChainEnd,
  known: { chainKeys: ChainKeys; anchors: readonly Checkpoint[] },
): GoodChain | BadRow {
  const { last } = walk;
  if (last.seq < lastEventSeq) return bad(last.seq + 1, 'missing');
  // The head of the empty chain needs no mac; set back over existing rows it is a forgery.
  const genuine = head && known.chainKeys.isGenuineHead(head) && head.seq > 0 === last.seq > 0;
  const claimed = [
    lastCheckpointSeq,
    genuine ? head.seq : 0,
    ...known.anchors.filter((c) => known.chainKeys.isGenuineCheckpoint(c)).map(({ seq }) => seq),
  ];
  if (Math.max(...claimed) > last.seq) return bad(last.seq + 1, 'missing');
  if (!genuine) return bad(Math.max(1, Math.min(walk.lastSigned + 1, last.seq)), 'head_forged');
  if (head.seq < last.seq) {
    // Rows past the head: written by someone without the key, unless a signature knows better.
    return walk.lastSigned > head.seq
      ? bad(head.seq, 'head_forged')
      : bad(head.seq + 1, 'inserted');
  }
  if (!head.hash.equals(last.hash)) {
    return walk.lastSigned === last.seq ? bad(last.seq, 'head_forged') : bad(last.seq, 'changed');
  }
  return { ok: true, events: last.seq, head: last };
}

const bySeq = (checkpoints: readonly Checkpoint[]) =>
  new Map(checkpoints.map((checkpoint) => [checkpoint.seq, checkpoint]));
