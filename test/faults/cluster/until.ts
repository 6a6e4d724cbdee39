/** Waiting for what another process does. */
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MILLISECONDS = 50;
const MAX_MILLISECONDS = 30_000;

/**
 * Looks again and again until it is so.
 *
 * @param what - a sentence for the error
 * @throws Error after 30 s, or as soon as `giveUp` says that it will never be so
 */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  { giveUp = () => false }: { giveUp?: () => boolean } = {},
): Promise<void> {
  const end = performance.now() + MAX_MILLISECONDS;
  while (!(await isSo())) {
    if (giveUp() || performance.now() > end) throw new Error(`waited in vain until ${what}`);
    await sleep(LOOK_MILLISECONDS);
  }
}
