/** Whether what was noticed of a fault is within what may be noticed of it. */
import type { Expectation } from './fault.ts';
import type { Journal } from './load/journal.ts';
import { summaryOf, type Recorder, type Sample } from './load/recorder.ts';

export interface Noticed {
  readonly requests: Recorder;
  readonly recoverySeconds: number;
  readonly losses: Journal['losses'];
}

/** These answer whatever happens to the stores (DESIGN §11). */
const ALWAYS: readonly string[] = ['GET /.well-known/openid-configuration', 'GET /jwks'];

const PASSWORD = /^POST .*\/password$/;

/** @returns what was worse than it may be, in words */
export function disappointments(expected: Expectation, noticed: Noticed): string[] {
  const { requests, recoverySeconds, losses } = noticed;
  const problems: string[] = [];
  const limitOf = ({ route }: Sample) =>
    (PASSWORD.test(route) ? expected.longestSignInMilliseconds : undefined) ??
    expected.longestMilliseconds;
  const slow = requests.samples.filter((sample) => sample.milliseconds > limitOf(sample));
  const [slowest] = slow.toSorted((a, b) => b.milliseconds - a.milliseconds);
  if (slowest) {
    const took = `${slowest.route} took ${Math.round(slowest.milliseconds)} ms`;
    problems.push(`${took} (at most ${limitOf(slowest)}; ${slow.length} took too long)`);
  }
  if (recoverySeconds > expected.recoverySeconds) {
    const most = expected.recoverySeconds;
    problems.push(`recovery took ${recoverySeconds.toFixed(1)} s (at most ${most})`);
  }
  const wrong = requests.failures.filter((sample) => !mayFail(expected, sample));
  for (const [what, count] of summaryOf(wrong)) problems.push(`${what} (${count} ×)`);
  for (const loss of new Set(losses)) {
    if (expected.mayLose?.includes(loss) !== true) problems.push(`lost: ${loss}`);
  }
  return problems;
}

function mayFail({ failures }: Expectation, { route, status, retryAfterSeconds }: Sample) {
  if (failures === 'cut') return status === 0;
  return (
    failures === 'told' &&
    status === 503 &&
    retryAfterSeconds !== undefined &&
    !ALWAYS.includes(route)
  );
}
