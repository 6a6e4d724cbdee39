/**
 * From a checked line to sealed rows: the part of an import that costs computing time. Runs while the
 * database stores the portion before.
 */
import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import type { Accounts, PreparedAccount } from '#accounts/accounts.ts';
import type { IdentityDocuments, PreparedDocument } from '#accounts/identity-documents.ts';
import type { PasswordHasher } from '#authenticators/password/hasher.ts';
import { objectionsTo, type PasswordPolicyOptions } from '#authenticators/password/policy.ts';
import type { Clock } from '#lib/clock.ts';
import {
  BOUND_FROM_LEVEL,
  readAccountLine,
  type AccountLine,
  type Problem,
} from './account-line.ts';
import type { FileLine } from './line-portions.ts';

export interface PreparedLine {
  readonly number: number;
  readonly account: PreparedAccount;
  readonly documents: readonly PreparedDocument[];
  readonly passwordHash: string | undefined;
}

export interface RefusedLine {
  readonly line: number;
  readonly problems: readonly Problem[];
}

/** A portion of a file, checked and sealed. */
export interface PreparedPortion {
  readonly lines: readonly PreparedLine[];
  readonly refused: readonly RefusedLine[];
  /** Number of the last line, and the first byte after it. */
  readonly last: { readonly number: number; readonly end: number };
}

export interface PreparationParts {
  readonly accounts: Pick<Accounts, 'prepare'>;
  readonly documents: Pick<IdentityDocuments, 'prepare'>;
  readonly hasher: Pick<PasswordHasher, 'hash' | 'adopt'>;
  readonly policy: PasswordPolicyOptions;
  readonly clock: Clock;
}

/** Lines between two looks at the event loop: a server may be answering requests on it. */
const LINES_IN_A_ROW = 50;
const BYTE_ORDER_MARK = /^\uFEFF/;

export class Preparation {
  readonly #parts: PreparationParts;

  constructor(parts: PreparationParts) {
    this.#parts = parts;
  }

  /** @param importId - the evidence of who brings none is the import and the line */
  async prepare(portion: readonly FileLine[], importId: number): Promise<PreparedPortion> {
    const refused: RefusedLine[] = [];
    const lines: PreparedLine[] = [];
    const hashing: (() => Promise<void>)[] = [];
    for (const [place, { number, text }] of portion.entries()) {
      if (place % LINES_IN_A_ROW === LINES_IN_A_ROW - 1) await setImmediate();
      if (text?.trim() === '') continue;
      const read = this.#read(text);
      if (!read.ok) {
        refused.push({ line: number, problems: read.problems });
      } else if (read.line.password === undefined) {
        lines.push(this.#seal(read.line, number, importId));
      } else {
        const { password } = read.line;
        const sealed = this.#seal(read.line, number, importId);
        hashing.push(async () => {
          lines.push({ ...sealed, passwordHash: await this.#parts.hasher.hash(password) });
        });
      }
    }
    await onAllThreads(hashing);
    const last = portion.at(-1) ?? { number: 0, end: 0 };
    return { lines: lines.sort((a, b) => a.number - b.number), refused, last };
  }

  #read(text: string | undefined): ReturnType<typeof readAccountLine> {
    if (text === undefined) {
      return { ok: false, problems: [{ field: '', reason: 'too_long_or_not_utf8' }] };
    }
    const read = readAccountLine(text.replace(BYTE_ORDER_MARK, ''), this.#parts.clock);
    if (!read.ok || read.line.password === undefined) return read;
    const objections = objectionsTo(read.line.password, personOf(read.line), this.#parts.policy);
    if (objections.length === 0) return read;
    const problems = objections.map((reason) => ({ field: 'password', reason }));
    return { ok: false, problems };
  }

  #seal(line: AccountLine, number: number, importId: number): PreparedLine {
    const { accounts, documents, hasher } = this.#parts;
    const { level, levelAt: at, username, phone, email } = line;
    const account = accounts.prepare({
      status: line.status,
      ...(username !== undefined && { username }),
      ...(phone !== undefined && { phone }),
      ...(email !== undefined && { email }),
      phoneVerified: line.phoneVerified,
      emailVerified: line.emailVerified,
      channel: 'web',
      realName: { level, ...(level > 1 && { method: 'import' }), ...(at && { at }) },
    });
    const evidence = line.evidence ?? `import:${importId}:${number}`;
    const verified = { by: 'import', how: 'import', evidence, ...(at && { at }) };
    const prepared = line.documents.map(({ validTo, ...document }, place) =>
      documents.prepare(
        {
          ...document,
          accountId: account.id,
          ...(validTo !== undefined && { validTo }),
          ...(level >= BOUND_FROM_LEVEL && { verified }),
        },
        { isPrimary: place === 0 },
      ),
    );
    const passwordHash = line.passwordHash && hasher.adopt(line.passwordHash);
    return { number, account, documents: prepared, passwordHash };
  }
}

function personOf({ username, email, phone, documents }: AccountLine) {
  return { username, email, phone, idNumber: documents[0]?.number };
}

/** As many at a time as there are hashing threads, so that their queue has room for sign-ins. */
async function onAllThreads(tasks: readonly (() => Promise<void>)[]): Promise<void> {
  const waiting = [...tasks];
  const runOneAfterAnother = async () => {
    for (let task = waiting.shift(); task; task = waiting.shift()) await task();
  };
  await Promise.all(Array.from({ length: availableParallelism() }, runOneAfterAnother));
}
