/** `account import FILE.ndjson`: what the operator sees of an import. */
import { resolve } from 'node:path';
import { readCommonPasswords } from '#authenticators/password/common-passwords.ts';
import { PasswordHasher } from '#authenticators/password/hasher.ts';
import { AccountImport, type ImportProgress, type ImportResult } from '#import/account-import.ts';
import { AccountImports } from '#import/account-imports.ts';
import type { CommandContext, Print } from './commands.ts';
import type { Progress } from './progress-display.ts';
import { createRecords } from '#services.ts';

/** The embedded database has one connection, which requests to the server wait for. */
const PORTION_LINES = { postgresql: 1000, embedded: 100 };

/** @returns 0 when every line is an account now, 1 when lines were refused or the run broke off */
export async function importAccounts(
  context: CommandContext,
  [name]: readonly string[],
  print: Print,
): Promise<number> {
  if (name === undefined) {
    print('Usage: npm run cli -- account import FILE.ndjson');
    return 2;
  }
  const { settings, keys, db, clock, engine } = context;
  const file = resolve(context.workingDirectory ?? '.', name);
  const refusedPath = `${file.replace(/\.ndjson$/, '')}.refused.ndjson`;
  const records = createRecords(context);
  const hasher = new PasswordHasher({
    settings: settings.password,
    pepperKeys: keys.only('pepper'),
  });
  const policy = { settings: settings.password, commonPasswords: readCommonPasswords() };
  const imports = new AccountImports(db, clock);
  try {
    const startedAt = performance.now();
    const show = progressTexts(startedAt);
    const job = new AccountImport({ ...records, db, clock, hasher, policy, imports });
    const result = await job.run(file, {
      portionLines: PORTION_LINES[engine.kind],
      refusedPath,
      onProgress: (progress) => context.showProgress?.(show(progress)),
    });
    for (const line of summaryOf(result, (performance.now() - startedAt) / 1000)) print(line);
    if (result.refused > 0) print(`Refused lines, with the reasons: ${refusedPath}`);
    return result.refused === 0 ? 0 : 1;
  } finally {
    await hasher.close();
    await records.audit.close();
  }
}

/** The rate is of this run: an earlier one may have imported most of the file. */
function progressTexts(startedAt: number) {
  let importedBefore: number | undefined;
  return ({ phase, bytes: done, totalBytes: total, ...counts }: ImportProgress): Progress => {
    if (phase === 'checking') return { done, total, text: 'reading the file' };
    const { imported, present, refused } = counts;
    importedBefore ??= imported;
    const seconds = (performance.now() - startedAt) / 1000;
    const rate = count(Math.round((imported - importedBefore) / seconds));
    const text = `${count(imported)} imported (${rate}/s), ${count(present)} there already, ${count(refused)} refused`;
    return { done, total, text };
  };
}

function summaryOf(result: ImportResult, seconds: number): string[] {
  const { id, lines, imported, present, refused, wasFinished, skippedLines } = result;
  const totals = `${count(lines)} lines: ${count(imported)} accounts imported, ${count(present)} there already, ${count(refused)} refused.`;
  if (wasFinished) return [`Import ${id} of this file is finished; nothing was done.`, totals];
  const resumed = skippedLines > 0 ? ` It went on behind line ${count(skippedLines)}.` : '';
  return [`Import ${id} is finished after ${seconds.toFixed(1)} s.${resumed}`, totals];
}

const count = (value: number) => value.toLocaleString('en');
