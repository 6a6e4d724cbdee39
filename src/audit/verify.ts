/**
 * The verifier of the audit chain: reads every row once, in order, and names the first bad one.
 * Called by `npm run cli -- audit verify`; it runs beside live writers, on any role that may read.
 *
 * What vouches for a row: the next row (which carries its hash), the checkpoints (which only the
 * audit key can sign), and the head (whose mac only the audit key can make). Hashes alone need no
 * key: whoever owns the tables can rewrite a row and every row after it. Then the signatures no
 * longer fit, and the first row after the last good one is named, because from there on nothing
 * tells true from false.
 *
 * Of months that retention has dropped, the signed record (dropped-months.ts) vouches for the rows
 * that stayed and for the place where the chain goes on.
 */
import type { Knex } from 'knex';
import type { PurposeKeys } from '#crypto/key-ring.ts';
import { ChainKeys, type Checkpoint, type ChainPoint } from './chain-keys.ts';
import { bad, ChainWalk, GENESIS, isMisplaced, type BadRow } from './chain-walk.ts';
import { readChain, readChainEnd, type ChainEnd } from './chain.ts';
import { Checkpoints } from './checkpoints.ts';
import { digestOf, DroppedMonths, type DroppedMonth } from './dropped-months.ts';
import { hashOf } from './event-row.ts';

export interface GoodChain {
  readonly ok: true;
  /** Rows that were ever written; `dropped` of them are gone by retention, the others were checked. */
  readonly events: number;
  readonly dropped: number;
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
  const past = await checkPast(db, chainKeys);
  if ('ok' in past) return past;
  const end = await readChainEnd(db);
  const walk = new ChainWalk(chainKeys, anchors, past.end);
  const checkpoints = new Checkpoints(db);

  for (let after = past.end.seq; after < end.lastEventSeq; after += BATCH_SIZE) {
    const upTo = Math.min(after + BATCH_SIZE, end.lastEventSeq);
    const signed = await checkpoints.between(after, upTo);
    walk.expectCheckpoints(signed);
    for (const row of await readChain(db, { after, upTo, limit: BATCH_SIZE })) {
      const found = walk.step(row);
      if (found) return found;
    }
  }
  const result = checkEnd(walk, end, { chainKeys, anchors });
  return result.ok ? { ...result, dropped: past.dropped } : result;
}

/** What retention left: where the chain goes on, and how many rows are gone. */
interface Past {
  readonly end: ChainPoint;
  readonly dropped: number;
}

async function checkPast(db: Knex, keys: ChainKeys): Promise<Past | BadRow> {
  const months = new DroppedMonths(db);
  const all = await months.all();
  let end = GENESIS;
  let dropped = 0;
  for (const month of all.filter(({ isLongLived }) => !isLongLived)) {
    if (!months.isGenuine(month, keys)) return bad(end.seq + 1, 'checkpoint_forged');
    if (month.firstSeq !== end.seq + 1) return bad(end.seq + 1, 'missing');
    const later = all.find((each) => each.isLongLived && each.month === month.month);
    const isAllGone = later !== undefined && months.isGenuine(later, keys);
    const kept = await checkKept(db, month, isAllGone);
    if (typeof kept !== 'number') return kept;
    dropped += month.lastSeq - month.firstSeq + 1 - kept;
    end = { seq: month.lastSeq, hash: month.lastHash };
  }
  return { end, dropped };
}

/** The rows that stayed of a month are those that were signed for; how many there are. */
async function checkKept(
  db: Knex,
  month: DroppedMonth,
  mayBeGone: boolean,
): Promise<number | BadRow> {
  const hashes: Buffer[] = [];
  const { firstSeq, lastSeq: upTo } = month;
  for (let after = firstSeq - 1; after < upTo;) {
    const rows = await readChain(db, { after, upTo, limit: BATCH_SIZE });
    for (const row of rows) {
      if (!hashOf(row).equals(row.hash) || isMisplaced(row)) return bad(row.seq, 'changed');
      hashes.push(row.hash);
    }
    after = rows.at(-1)?.seq ?? upTo;
  }
  if (hashes.length === 0 && mayBeGone) return 0;
  if (hashes.length < month.keptEvents) return bad(firstSeq, 'missing');
  if (hashes.length > month.keptEvents) return bad(firstSeq, 'inserted');
  return digestOf(hashes).equals(month.keptDigest) ? hashes.length : bad(firstSeq, 'rewritten');
}

/** After the last row: is it the one that the head, the checkpoints and the anchors say it is? */
function checkEnd(
  walk: ChainWalk,
  { head, lastEventSeq, lastCheckpointSeq }: ChainEnd,
  known: { chainKeys: ChainKeys; anchors: readonly Checkpoint[] },
): Omit<GoodChain, 'dropped'> | BadRow {
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
