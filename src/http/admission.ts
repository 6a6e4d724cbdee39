/**
 * Which requests are refused at once because there are too many (DESIGN §11): pages before tokens,
 * discovery and keys never. What is let in is answered in time.
 */
import type { Settings } from '#config/settings.ts';
import type { Urgency } from './traffic.ts';

export type ShedReason = 'in_flight' | 'event_loop';

export interface Load {
  readonly inFlight: number;
  /** LoopDelay's `persistent`. */
  readonly loopDelayMilliseconds: number;
}

/** Programs are refused at this multiple of what pages are refused at. */
const TOKEN_FACTOR = 2;

/** @returns why the request is to be refused; undefined when it may come in */
export function shedReason(
  limits: Settings['overload'],
  urgency: Urgency,
  load: Load,
): ShedReason | undefined {
  if (urgency === 'always') return undefined;
  const factor = urgency === 'token' ? TOKEN_FACTOR : 1;
  if (load.inFlight > limits.requestsInFlight * factor) return 'in_flight';
  const isLate = load.loopDelayMilliseconds > limits.eventLoopMilliseconds * factor;
  return isLate ? 'event_loop' : undefined;
}
