/**
 * A row of the audit chain: what is stored and what is hashed. The hash needs no secret, so anyone
 * who holds an export can check it; what a forger cannot make is the head's mac and the checkpoints
 * (chain-keys.ts).
 *
 * The hash of a row is the SHA-256 of the UTF-8 bytes of one JSON object in the canonical form of
 * RFC 8785: keys sorted, no white space, strings and whole numbers as ECMAScript writes them. The
 * keys are those of `ChainedFields` in snake case, all present: `account_id`, `address`, `channel`,
 * `client_id`, `details`, `event`, `id`, `occurred_at`, `prev_hash`, `request_id`, `seq`,
 * `user_agent`. `account_id` and `client_id` are null where there is none; `occurred_at` is ISO 8601
 * in UTC with milliseconds and Z; `prev_hash` is the lower-case hexadecimal hash of the row before,
 * 64 zeros in row 1; `details` is one string, which holds the details as canonical JSON in turn.
 */
import { hash, randomUUID } from 'node:crypto';
import type { AuditDetails, AuditEvent, AuditValue } from './events.ts';

/** An event as it is stored, before it has its place in the chain. */
export interface EventFields {
  readonly id: string;
  /** ISO 8601, UTC, milliseconds. */
  readonly occurredAt: string;
  readonly event: string;
  readonly accountId: string | null;
  readonly clientId: string | null;
  readonly requestId: string;
  readonly address: string;
  readonly userAgent: string;
  readonly channel: string;
  /** Canonical JSON of the fields that have no column. */
  readonly details: string;
}

/** An event at its place: everything that its hash covers. */
export interface ChainedFields extends EventFields {
  /** 1 for the first row, without gaps. */
  readonly seq: number;
  readonly prevHash: Buffer;
}

export interface ChainedRow extends ChainedFields {
  readonly hash: Buffer;
  /** Kept for years; follows from the event and is not hashed. */
  readonly isLongLived: boolean;
}

/** `prev_hash` of row 1. */
export const GENESIS_HASH = Buffer.alloc(32);

/** Longer texts are cut: no one may fill the log through a header or a made-up client id. */
const MAX_TEXT_LENGTH = 512;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/**
 * Makes an event storable. Characters that PostgreSQL cannot hold are replaced, so that one strange
 * request cannot make the write fail for all others of its batch.
 *
 * @throws TypeError when an account id is no UUID or a number is not whole; the caller has a bug
 */
export function fieldsOf({ name, details, origin }: AuditEvent, now: Date): EventFields {
  const { accountId, clientId, ...rest } = details;
  if (accountId !== undefined && !(typeof accountId === 'string' && UUID.test(accountId))) {
    throw new TypeError(`${name}: accountId must be a UUID in lower case`);
  }
  return {
    id: randomUUID(),
    occurredAt: now.toISOString(),
    event: name,
    accountId: accountId ?? null,
    clientId: clientId === undefined ? null : storable(String(clientId)),
    requestId: storable(origin.requestId),
    address: storable(origin.address),
    userAgent: storable(origin.userAgent),
    channel: origin.channel,
    details: canonicalDetails(rest),
  };
}

/** The hash as defined at the head of this file. `details` must already be canonical. */
export const hashOf = (row: ChainedFields): Buffer => hashOfText(hashedText(row));

/** SHA-256 of a row's `hashedText`. */
export const hashOfText = (text: string): Buffer => hash('sha256', text, 'buffer');

/** What is hashed of a row, and also what the database is given to store. */
export function hashedText(row: ChainedFields): string {
  return JSON.stringify({
    account_id: row.accountId,
    address: row.address,
    channel: row.channel,
    client_id: row.clientId,
    details: row.details,
    event: row.event,
    id: row.id,
    occurred_at: row.occurredAt,
    prev_hash: row.prevHash.toString('hex'),
    request_id: row.requestId,
    seq: row.seq,
    user_agent: row.userAgent,
  });
}

/** Reads `details` back as the text that was hashed; a text that nobody could have hashed differs. */
export function canonicalFromStored(details: string): string {
  return canonical(JSON.parse(details, keepNumbersApart) as AuditDetails);
}

/** jsonb tells 1.0 and 1 apart, JavaScript does not: anything but a plain whole number becomes text. */
function keepNumbersApart(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' && String(value) !== context?.source ? context?.source : value;
}

function canonicalDetails(details: AuditDetails): string {
  const entries = Object.entries(details).map(([key, value]) => [key, storableValue(value)]);
  return canonical(Object.fromEntries(entries) as AuditDetails);
}

function canonical(details: AuditDetails): string {
  // Sorting by UTF-16 code units is what RFC 8785 §3.2.3 asks for, and what `<` does.
  const sorted = Object.entries(details).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(Object.fromEntries(sorted));
}

function storableValue(value: AuditValue | undefined): AuditValue | undefined {
  if (typeof value === 'string') return storable(value);
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new TypeError('numbers of audit events must be whole');
  }
  return Array.isArray(value) ? value.map((item) => storable(String(item))) : value;
}

/** Cut, and without NUL and lone surrogates, which PostgreSQL refuses. */
function storable(text: string): string {
  return text.slice(0, MAX_TEXT_LENGTH).toWellFormed().replaceAll('\u0000', '\uFFFD');
}
