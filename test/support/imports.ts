/** Files for `account import`, and what an import left behind. */
import { mkdtempSync, readFileSync, existsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashSync } from '@node-rs/bcrypt';
import { createHash, pbkdf2Sync } from 'node:crypto';
import { hashSync as argon2Sync } from '@node-rs/argon2';
import { syntheticAccount } from '../../bench/synthetic-accounts.ts';
import { residentIdNumber } from './test-server.ts';

/** Writes lines (objects, or text as it is) to a new file; returns its path. */
export function anImportFile(lines: readonly (object | string)[]): string {
  const file = join(mkdtempSync(join(tmpdir(), 'yrt-import-')), 'accounts.ndjson');
  const texts = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
  writeFileSync(file, `${texts.join('\n')}\n`);
  return file;
}

/** The list of refused lines beside a file; undefined when there is none. */
export function refusedLinesOf(file: string): { line: number; problems: unknown[] }[] | undefined {
  const path = file.replace(/\.ndjson$/, '.refused.ndjson');
  if (!existsSync(path)) return undefined;
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as { line: number; problems: unknown[] });
}

/** A line of a person of level 3 with a number of their own. */
export const aLine = (n: number, more: object = {}) => ({
  phone: `1370000${String(n).padStart(4, '0')}`,
  username: `imported-${n}`,
  name: '测试公民',
  id_number: residentIdNumber(n),
  real_name_level: 3,
  ...more,
});

export const syntheticLines = (count: number, first = 0) =>
  Array.from({ length: count }, (_, place) => syntheticAccount(first + place));

/** One hash of each family of a password. */
export function foreignHashesOf(password: string): Readonly<Record<string, string>> {
  const salt = Buffer.from('0123456789abcdef');
  const pbkdf2 = pbkdf2Sync(password, salt, 1000, 32, 'sha256').toString('base64');
  const sm3 = createHash('sm3').update(salt).update(password).digest('hex');
  return {
    argon2id: argon2Sync(password, { memoryCost: 64, timeCost: 1, parallelism: 1 }),
    bcrypt: hashSync(password, 4),
    pbkdf2: `$pbkdf2-sha256$i=1000$${salt.toString('base64')}$${pbkdf2}`,
    sm3: `$sm3$o=sp$${salt.toString('base64')}$${sm3}`,
  };
}
