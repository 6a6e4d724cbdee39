/** When a failed delivery is tried again; pure, used by outbox-worker.ts. */
import type { Settings } from '#config/settings.ts';

export type RetrySettings = Settings['outbox'];

/** Waits vary by this share, so that many failures of one moment do not return in one moment. */
const JITTER = 0.2;

/**
 * Doubling waits up to the longest, the last one cut so that the final attempt is made at the
 * give-up age.
 *
 * @param attempts - made so far, counts from 1
 * @param ageSeconds - since the job was enqueued
 * @param random - evenly distributed in [0, 1)
 * @returns seconds until the next attempt; undefined when the job is old enough to be given up
 */
export function nextDelaySeconds(
  settings: RetrySettings,
  attempts: number,
  ageSeconds: number,
  random: number,
): number | undefined {
  const leftSeconds = settings.giveUpSeconds - ageSeconds;
  if (leftSeconds <= 0) return undefined;
  const doubled = Math.min(
    settings.firstRetrySeconds * 2 ** (attempts - 1),
    settings.maxRetrySeconds,
  );
  return Math.min(doubled * (1 + JITTER * (2 * random - 1)), leftSeconds);
}
