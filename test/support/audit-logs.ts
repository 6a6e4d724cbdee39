/** Audit logs for tests: `anAuditLog(db)`, with the keys, the checkpoints it signed and a filler. */
import type { Knex } from 'knex';
import { AuditLog, type AuditLogOptions } from '#audit/audit-log.ts';
import type { Checkpoint } from '#audit/chain-keys.ts';
import { createEphemeralKeyRing, type PurposeKeys } from '#crypto/key-ring.ts';
import { systemClock } from '#lib/clock.ts';
import type { RequestOrigin } from '#lib/request-origin.ts';

export const anAccountId = '0197a000-0000-7000-8000-000000000001';

export const anOrigin: RequestOrigin = {
  requestId: '0197a000-0000-7000-8000-00000000000f',
  address: '192.0.2.7',
  userAgent: 'Mozilla/5.0 (test)',
  channel: 'web',
};

export interface TestAuditLog {
  readonly log: AuditLog;
  readonly keys: PurposeKeys;
  readonly signed: Checkpoint[];
  readonly failures: unknown[];
  /** Records this many events, all at the same moment. */
  readonly recordMany: (count: number) => Promise<void>;
}

export function anAuditLog(db: Knex, changes: Partial<AuditLogOptions> = {}): TestAuditLog {
  const keys = changes.keys ?? createEphemeralKeyRing().only('audit');
  const signed: Checkpoint[] = [];
  const failures: unknown[] = [];
  const log = new AuditLog({
    db,
    keys,
    clock: systemClock,
    settings: { checkpointSeconds: 3600, checkpointEvents: 1_000_000 },
    onCheckpoint: (checkpoint) => signed.push(checkpoint),
    onCheckpointFailure: (error) => failures.push(error),
    ...changes,
  });
  const recordMany = async (count: number) => {
    await Promise.all(Array.from({ length: count }, () => recordOne(log)));
  };
  return { log, keys, signed, failures, recordMany };
}

export const recordOne = (log: AuditLog) =>
  log.record(
    'authn_login_fail',
    { accountId: anAccountId, method: 'password', reason: 'wrong_answer' },
    anOrigin,
  );
