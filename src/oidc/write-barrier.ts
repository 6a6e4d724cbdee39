/**
 * Writes of one request run side by side and are awaited together before its answer leaves, instead
 * of one after the other where the library saves. Only where somebody awaits them: outside
 * `withWriteBarrier` a write is awaited where it is made.
 */
import type { Context } from 'koa';

const pending = new WeakMap<object, Promise<unknown>[]>();

/**
 * Runs what answers a request, then waits for its writes.
 *
 * @throws the first write's error; the answer must not leave then
 */
export async function withWriteBarrier(ctx: Context, answer: () => Promise<void>): Promise<void> {
  const writes: Promise<unknown>[] = [];
  pending.set(ctx, writes);
  const [answered] = await Promise.allSettled([answer()]);
  pending.delete(ctx);
  const outcomes = [answered, ...(await Promise.allSettled(writes))];
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
}

/** @param ctx - the request of the moment; undefined outside one */
export async function beforeAnswer(ctx: Context | undefined, write: Promise<void>): Promise<void> {
  const writes = ctx && pending.get(ctx);
  if (!writes) {
    await write;
    return;
  }
  // Its failure is told at the barrier; until then it is not unhandled.
  write.catch(() => undefined);
  writes.push(write);
}
