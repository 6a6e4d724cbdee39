/**
 * Stores a portion in one transaction: accounts, documents, passwords, how far the file was read, and
 * the audit event; all or nothing.
 */
import type { Knex } from 'knex';
import type { Accounts } from '#accounts/accounts.ts';
import type { IdentityDocuments } from '#accounts/identity-documents.ts';
import type { AuditLog } from '#audit/audit-log.ts';
import type { PasswordCredentials } from '#authenticators/password/credentials.ts';
import { systemOrigin } from '#lib/request-origin.ts';
import type { AccountImports, ImportState } from './account-imports.ts';
import type { PreparedLine, PreparedPortion, RefusedLine } from './prepare-account.ts';
import type { RefusedFile } from './refused-file.ts';

export interface StoringParts {
  readonly db: Knex;
  readonly accounts: Pick<Accounts, 'insert' | 'ownersOf'>;
  readonly documents: Pick<IdentityDocuments, 'insert' | 'ownersOf'>;
  readonly credentials: Pick<PasswordCredentials, 'insert'>;
  readonly imports: AccountImports;
  readonly audit: AuditLog;
}

/**
 * SQLSTATEs of a unique violation and of a deadlock: somebody has one of our numbers, or stored it in
 * the moment between look-up and insert. The next look-up sees it.
 */
const RACES = ['23505', '40P01'];
const TRIES = 5;
/** The server's own limit is for answers that somebody waits for. */
const PATIENCE = `SET LOCAL statement_timeout = '60s'`;
/** A thousand look-ups in an index; the planner would rather read the whole table. */
const BY_INDEX = 'SET LOCAL enable_seqscan = off';

/**
 * Stores it as if nobody of it were there, which is the usual case, and looks only when that fails.
 *
 * @returns the state after the portion
 * @throws ImportTakenOver, AppError of the audit log, the driver's errors; then nothing was stored
 */
export async function storePortion(
  parts: StoringParts,
  state: ImportState,
  portion: PreparedPortion,
  refusedFile: RefusedFile,
): Promise<ImportState> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await parts.db.transaction((transaction) =>
        storeIn(transaction, parts, { state, portion, refusedFile, mustLook: attempt > 1 }),
      );
    } catch (error) {
      await refusedFile.cutTo(state.refusedBytes);
      const isRace = RACES.includes(String((error as { code?: unknown }).code));
      if (!isRace || attempt === TRIES) throw error;
    }
  }
}

interface Work {
  readonly state: ImportState;
  readonly portion: PreparedPortion;
  readonly refusedFile: RefusedFile;
  /** Whose phones, names and numbers are there already? */
  readonly mustLook: boolean;
}

async function storeIn(
  transaction: Knex.Transaction,
  { accounts, documents, credentials, imports, audit }: StoringParts,
  work: Work,
): Promise<ImportState> {
  const { state, portion, refusedFile, mustLook } = work;
  await transaction.raw(PATIENCE);
  const owners = mustLook
    ? await ownersOf(portion.lines, { accounts, documents }, transaction)
    : new Map<string, string>();
  const { fresh, present, taken } = sortOut(portion.lines, owners);
  await accounts.insert(
    fresh.map(({ account }) => account),
    transaction,
  );
  await documents.insert(
    fresh.flatMap((line) => line.documents),
    transaction,
  );
  await credentials.insert(fresh.flatMap(passwordOf), transaction);
  const refused = [...portion.refused, ...taken].sort((a, b) => a.line - b.line);
  await refusedFile.append(refused);
  const next: ImportState = {
    ...state,
    position: portion.last.end,
    lines: portion.last.number,
    imported: state.imported + fresh.length,
    present: state.present + present,
    refused: state.refused + refused.length,
    refusedBytes: refusedFile.length,
  };
  await imports.advance(state, next, transaction);
  const counts = { imported: fresh.length, present, refused: refused.length };
  const range = { importId: state.id, firstLine: state.lines + 1, lastLine: next.lines };
  await audit.record('accounts_imported', { ...range, ...counts }, systemOrigin, { transaction });
  return next;
}

const passwordOf = ({ account, passwordHash }: PreparedLine) =>
  passwordHash === undefined ? [] : [{ accountId: account.id, passwordHash }];

/** What no two accounts may have in common, by blind index. */
function identifiersOf({ account, documents }: PreparedLine): { field: string; index: string }[] {
  return [
    { field: 'phone', index: account.phoneIndex },
    { field: 'username', index: account.usernameIndex },
    ...documents.map(({ boundIndex }) => ({ field: 'id_number', index: boundIndex })),
  ].filter((one): one is { field: string; index: string } => one.index !== undefined);
}

async function ownersOf(
  lines: readonly PreparedLine[],
  { accounts, documents }: Pick<StoringParts, 'accounts' | 'documents'>,
  transaction: Knex,
): Promise<Map<string, string>> {
  const found = lines.flatMap(identifiersOf);
  const of = (wanted: string) => found.filter((f) => f.field === wanted).map((f) => f.index);
  await transaction.raw(BY_INDEX);
  const contacts = { phones: of('phone'), usernames: of('username') };
  return new Map([
    ...(await accounts.ownersOf(contacts, transaction)),
    ...(await documents.ownersOf(of('id_number'), transaction)),
  ]);
}

/**
 * New, there already, or in conflict. The unique indexes decide in the end; this says which line, and
 * makes importing the same people twice harmless: a line all of whose identifiers belong to one
 * account is that account.
 */
function sortOut(lines: readonly PreparedLine[], owners: Map<string, string>) {
  const fresh: PreparedLine[] = [];
  const taken: RefusedLine[] = [];
  let present = 0;
  for (const line of lines) {
    const identifiers = identifiersOf(line);
    const belonging = identifiers.filter(({ index }) => owners.has(index));
    const accounts = new Set(belonging.map(({ index }) => owners.get(index)));
    if (belonging.length === 0) {
      fresh.push(line);
      for (const { index } of identifiers) owners.set(index, line.account.id);
    } else if (accounts.size === 1 && belonging.length === identifiers.length) {
      present += 1;
    } else {
      const problems = belonging.map(({ field }) => ({ field, reason: 'taken' }));
      taken.push({ line: line.number, problems });
    }
  }
  return { fresh, present, taken };
}
