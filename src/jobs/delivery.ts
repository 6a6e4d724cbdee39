/** What the outbox asks of a handler; each kind's handler lives with what it delivers. */
import type { Payload } from '#store/record-store.ts';

/** `retry`: later, until the give-up age; `given_up`: the receiver will never take it. */
export interface DeliveryOutcome {
  readonly result: 'delivered' | 'retry' | 'given_up';
  readonly httpStatus?: number | undefined;
  /** A short code for the delivery record, never a message. */
  readonly errorCode?: string | undefined;
}

export interface DeliveryAttempt {
  /** Id of the job, the same at every attempt: what the receiver deduplicates by. */
  readonly id: string;
  /** Counts from 1. */
  readonly number: number;
  /** Aborts when the attempt has taken too long, or the server must stop. */
  readonly signal: AbortSignal;
}

/** The end of a job; told once, after it was recorded. */
export interface FinishedDelivery extends DeliveryOutcome {
  readonly id: string;
  readonly result: 'delivered' | 'given_up';
  readonly attempts: number;
}

export interface OutboxHandler {
  /** Tries once. An exception counts as `retry`. */
  deliver(payload: Payload, attempt: DeliveryAttempt): Promise<DeliveryOutcome>;
  /** Writes the audit. */
  finished?(payload: Payload, end: FinishedDelivery): Promise<void>;
}
