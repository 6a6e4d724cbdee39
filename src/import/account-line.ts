/**
 * One line of an import: its form, and the rules of everywhere else (phone, user name, GB 11643,
 * levels, passwords). What is wrong is said by the names of fields and rules alone: the list of
 * refused lines must not become a second copy of personal data.
 */
import { z } from 'zod';
import type { RealNameLevel } from '#accounts/accounts.ts';
import type { DocumentType } from '#accounts/identity-documents.ts';
import type { ForeignHash } from '#authenticators/password/imported/family.ts';
import { readForeignHash } from '#authenticators/password/imported/hash-families.ts';
import { parseUsername } from '#lib/account-identifier.ts';
import type { Clock } from '#lib/clock.ts';
import { fold, foldNumber } from '#lib/fold.ts';
import { normalizePhone } from '#lib/phone-number.ts';
import { parseResidentId, upgradeFifteenDigits } from '#lib/resident-id.ts';
import { isCalendarDate } from '#lib/shanghai-date.ts';

export interface Problem {
  /** Name of the field, never what it holds. */
  readonly field: string;
  /** Name of the rule. */
  readonly reason: string;
}

export interface ImportedDocument {
  readonly type: DocumentType;
  readonly number: string;
  readonly name: string;
  readonly validTo: string | undefined;
}

/** A line that passed: everything folded to the form that is stored. */
export interface AccountLine {
  readonly status: 'active' | 'locked' | 'frozen';
  readonly username: string | undefined;
  readonly phone: string | undefined;
  readonly phoneVerified: boolean;
  readonly email: string | undefined;
  readonly emailVerified: boolean;
  readonly level: RealNameLevel;
  readonly levelAt: Date | undefined;
  readonly evidence: string | undefined;
  /** The first is the primary one. */
  readonly documents: readonly ImportedDocument[];
  /** Plain; the policy has the last word on it. */
  readonly password: string | undefined;
  readonly passwordHash: ForeignHash | undefined;
}

export type LineResult =
  | { readonly ok: true; readonly line: AccountLine }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const MAX_TEXT = 512;
const text = z.string().min(1).max(MAX_TEXT);
const document = z.strictObject({
  type: z.literal('resident_id'),
  number: text,
  name: text,
  valid_to: z.string().refine(isCalendarDate, 'not_a_date').nullish(),
});
const MAX_DOCUMENTS = 8;

/** The form of a line; `name` and `id_number` are short for one `resident_id` among the documents. */
const lineSchema = z.strictObject({
  username: text.nullish(),
  phone: text.nullish(),
  phone_verified: z.boolean().default(false),
  email: z.email().max(254).nullish(),
  email_verified: z.boolean().default(false),
  name: text.nullish(),
  id_number: text.nullish(),
  documents: z.array(document).max(MAX_DOCUMENTS).default([]),
  real_name_level: z.int().min(1).max(5).optional(),
  real_name_time: z.iso.datetime({ offset: true }).nullish(),
  // A file number, not a text: a place where people would write names.
  evidence: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$/)
    .nullish(),
  status: z.enum(['active', 'locked', 'frozen']).default('active'),
  password: text.nullish(),
  password_hash: text.nullish(),
});
type Line = z.output<typeof lineSchema>;

/** Level from which an authoritative source confirmed the number, which binds it (DESIGN §6). */
export const BOUND_FROM_LEVEL = 3;
const DOCUMENT_FROM_LEVEL = 2;
/** A field name may be quoted when it looks like one; anything else may be data in the wrong place. */
const FIELD_NAME = /^[a-z][a-z_]{0,31}$/i;
const NAME = /^[\p{L}\p{M}\p{N}·•.'’ -]{1,100}$/u;

/** Reads one line of a file. */
export function readAccountLine(json: string, clock: Clock): LineResult {
  const value = parseJson(json);
  if (value === undefined) return { ok: false, problems: [{ field: '', reason: 'not_json' }] };
  const parsed = lineSchema.safeParse(value);
  if (!parsed.success) return { ok: false, problems: parsed.error.issues.flatMap(problemsOf) };
  return new LineReader(parsed.data, clock).read();
}

class LineReader {
  readonly #line: Line;
  readonly #clock: Clock;
  readonly #problems: Problem[] = [];

  constructor(line: Line, clock: Clock) {
    this.#line = line;
    this.#clock = clock;
  }

  read(): LineResult {
    const { phone, username, status, real_name_time: time, evidence } = this.#line;
    const documents = this.#documents();
    const level = this.#line.real_name_level ?? (documents.length > 0 ? DOCUMENT_FROM_LEVEL : 1);
    const line: AccountLine = {
      status,
      username: this.#folded('username', username, parseUsername),
      phone: this.#folded('phone', phone, normalizePhone),
      phoneVerified: this.#line.phone_verified,
      email: this.#line.email ?? undefined,
      emailVerified: this.#line.email_verified,
      level: level as RealNameLevel,
      levelAt: time == null ? undefined : new Date(time),
      evidence: evidence ?? undefined,
      documents,
      password: this.#line.password ?? undefined,
      passwordHash: this.#passwordHash(),
    };
    this.#checkWhole(line);
    const problems = this.#problems;
    return problems.length > 0 ? { ok: false, problems } : { ok: true, line };
  }

  #documents(): ImportedDocument[] {
    const { name, id_number: number, documents } = this.#line;
    if ((name == null) !== (number == null)) this.#object('id_number', 'name_and_number_together');
    const short = name != null && number != null ? [{ type: 'resident_id', name, number }] : [];
    return [...(short as typeof documents), ...documents].flatMap((each) => {
      const field = short.length > 0 ? 'id_number' : 'documents.number';
      const read = this.#residentId(each.number, field);
      const folded = fold(each.name);
      if (!NAME.test(folded)) this.#object(short.length > 0 ? 'name' : 'documents.name', 'form');
      const validTo = each.valid_to ?? undefined;
      return read === undefined ? [] : [{ type: each.type, number: read, name: folded, validTo }];
    });
  }

  /** The 18 characters; a 15-digit number of a migrated record is completed (DESIGN §5). */
  #residentId(typed: string, field: string): string | undefined {
    const read = parseResidentId(upgradeFifteenDigits(typed) ?? foldNumber(typed), this.#clock);
    if (read.ok) return read.number;
    this.#object(field, read.reason);
    return undefined;
  }

  #folded(
    field: string,
    typed: string | null | undefined,
    parse: (input: string) => string | undefined,
  ): string | undefined {
    if (typed == null) return undefined;
    const folded = parse(typed);
    if (folded === undefined) this.#object(field, 'form');
    return folded;
  }

  #passwordHash(): ForeignHash | undefined {
    const { password, password_hash: typed } = this.#line;
    if (typed == null) return undefined;
    if (password != null) this.#object('password', 'password_or_hash');
    const hash = readForeignHash(typed);
    if (typeof hash !== 'string') return hash;
    this.#object('password_hash', hash);
    return undefined;
  }

  #checkWhole({ level, documents, phone, username }: AccountLine): void {
    if (this.#problems.length > 0) return;
    if (level >= DOCUMENT_FROM_LEVEL && documents.length === 0) {
      this.#object('real_name_level', 'needs_document');
    }
    const findable = phone ?? username ?? (level >= BOUND_FROM_LEVEL ? documents[0] : undefined);
    if (findable === undefined) this.#object('phone', 'no_identifier');
  }

  #object(field: string, reason: string): void {
    this.#problems.push({ field, reason });
  }
}

function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      field: FIELD_NAME.test(key) ? key : '',
      reason: 'unknown_field',
    }));
  }
  const field = issue.path.filter((part) => typeof part === 'string').join('.');
  return [{ field, reason: issue.code === 'invalid_type' ? 'type' : 'form' }];
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}
