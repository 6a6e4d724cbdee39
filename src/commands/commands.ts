/**
 * What an operator can do from the command line. cli.ts runs these on a database of its own, or in
 * the server that holds the embedded one (control-socket.ts); the words go through `print`.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Knex } from 'knex';
import { verifyAuditChain } from '#audit/verify.ts';
import { ClientMetadataInvalid } from '#clients/client-metadata.ts';
import { systemOrigin } from '#lib/request-origin.ts';
import { createRegistrationCheck } from '#oidc/metadata-rules.ts';
import { migrate } from '#store/migrate.ts';
import type { DatabaseEngine } from '#store/database.ts';
import { lockAccount, unlockAccount } from './account.ts';
import { readDemo } from '#demo/demo-file.ts';
import { seedDemo } from '#demo/seed.ts';
import { importAccounts } from './import.ts';
import type { ShowProgress } from './progress-display.ts';
import { finishRestore } from './restore.ts';
import { createRecords, type Foundations, type Records } from '#services.ts';

export interface CommandContext extends Foundations {
  readonly engine: DatabaseEngine;
  /** Where the operator is: what file names are relative to; this process's folder when absent. */
  readonly workingDirectory?: string;
  /** For commands that take long. */
  readonly showProgress?: ShowProgress;
}

export type Print = (line: string) => void;

interface Command {
  readonly usage: string;
  readonly summary: string;
  run(context: CommandContext, args: readonly string[], print: Print): Promise<number>;
}

const OK = 0;
const FAILED = 1;
const USAGE = 2;
/** SQLSTATE of PostgreSQL. */
const INSUFFICIENT_PRIVILEGE = '42501';

/** In the order that `--help` shows. `migrate` and `keys init` are cli.ts's own: they need no records. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  'client register': {
    usage: 'client register FILE.json',
    summary: 'register a site, or publish a change of it; FILE is OpenID registration metadata',
    run: registerClients,
  },
  'keys rotate': {
    usage: 'keys rotate [--now]',
    summary: 'publish new token-signing keys; running servers take them over by themselves',
    run: rotateKeys,
  },
  'audit verify': {
    usage: 'audit verify',
    summary: 'check the whole audit chain; names the first bad row',
    run: verifyAudit,
  },
  'demo seed': {
    usage: 'demo seed',
    summary: 'add the synthetic citizens and sites of config/demo.json',
    run: seed,
  },
  'account import': {
    usage: 'account import FILE.ndjson',
    summary: 'add accounts of another system; a second run goes on where the first one stopped',
    run: (context, args, print) => importAccounts(context, args, print),
  },
  'account lock': {
    usage: 'account lock ACCOUNT REASON',
    summary: 'block an account (phone, user name or ID number) and end its sessions at once',
    run: (context, args, print) => lockAccount(context, args, print),
  },
  'account unlock': {
    usage: 'account unlock ACCOUNT REASON',
    summary: 'let a locked account sign in again',
    run: (context, args, print) => unlockAccount(context, args, print),
  },
  'restore finish': {
    usage: 'restore finish',
    summary: 'after a restore: end every session and grant, so that nothing revoked lives again',
    run: (context, _args, print) =>
      withRecords(context, (records) => finishRestore(context, records, print)),
  },
};

/** @returns the exit code: 0 done, 1 failed, 2 not understood */
export async function runCommand(
  args: readonly string[],
  context: CommandContext,
  print: Print,
): Promise<number> {
  const name = Object.keys(COMMANDS).find((known) => args.slice(0, 2).join(' ') === known);
  const command = name === undefined ? undefined : COMMANDS[name];
  if (!command) {
    print(`There is no command "${args.slice(0, 2).join(' ')}". See: npm run cli -- --help`);
    return USAGE;
  }
  try {
    return await command.run(context, args.slice(2), print);
  } catch (error) {
    context.log.error({ err: error }, 'the command failed');
    print(error instanceof Error ? error.message : String(error));
    return FAILED;
  }
}

/** Runs something on the records, and writes out the audit before it ends. */
async function withRecords(
  context: CommandContext,
  action: (records: Records) => Promise<number>,
): Promise<number> {
  const records = createRecords(context);
  try {
    return await action(records);
  } finally {
    await records.audit.close();
  }
}

async function registerClients(context: CommandContext, [file]: readonly string[], print: Print) {
  if (file === undefined) return misused('client register', print);
  const path = resolve(context.workingDirectory ?? '.', file);
  const content = JSON.parse(readFileSync(path, 'utf8')) as unknown;
  return await withRecords(context, async (records) => {
    const published = await records.signingKeys.published();
    const check = createRegistrationCheck(context.settings, published);
    let exitCode = OK;
    for (const entry of Array.isArray(content) ? (content as unknown[]) : [content]) {
      try {
        const { outcome, clientId, version, newSecret } = await context.db.transaction(
          (transaction) => registerOne(records, entry, check, transaction),
        );
        print(`${clientId}: ${outcome} (version ${version})`);
        if (newSecret !== undefined) {
          print(`  client_secret: ${newSecret}`);
          print('  It is shown only now and kept as a hash: hand it to the site safely.');
        }
      } catch (error) {
        if (!(error instanceof ClientMetadataInvalid)) throw error;
        const id = (entry as { client_id?: unknown } | null)?.client_id;
        print(`${typeof id === 'string' ? id : file}: refused, nothing was changed`);
        for (const problem of error.problems) print(`  - ${problem}`);
        exitCode = FAILED;
      }
    }
    return exitCode;
  });
}

/** The version and its audit row, both or neither. */
async function registerOne(
  { clients, audit }: Records,
  entry: unknown,
  check: Parameters<Records['clients']['register']>[1],
  transaction: Knex.Transaction,
) {
  const registration = await clients.register(entry, check, transaction);
  const { outcome, clientId } = registration;
  if (outcome === 'registered') {
    await audit.record('client_registered', { clientId }, systemOrigin, { transaction });
  } else if (outcome === 'changed') {
    const fields = Object.keys(entry as object);
    await audit.record('client_changed', { clientId, fields }, systemOrigin, { transaction });
  }
  return registration;
}

async function rotateKeys(context: CommandContext, args: readonly string[], print: Print) {
  const { publishAheadSeconds, keepSeconds } = context.settings.signingKeys;
  const plan = {
    publishAheadSeconds: args.includes('--now') ? 0 : publishAheadSeconds,
    keepSeconds,
  };
  return await withRecords(context, async ({ signingKeys, audit }) => {
    const signsFrom = await context.db.transaction(async (transaction) => {
      const from = await signingKeys.rotate(plan, transaction);
      const [current, ...others] = await signingKeys.published(transaction);
      const next = others.find(({ alg }) => alg === current?.alg);
      const details = { currentKid: current?.kid ?? '', nextKid: next?.kid };
      await audit.record('signing_keys_rotated', details, systemOrigin, { transaction });
      return from;
    });
    print(`New signing keys are published and sign from ${signsFrom.toISOString()}.`);
    print('Running servers take them over within seconds; no restart is needed.');
    return OK;
  });
}

async function verifyAudit({ db, keys }: CommandContext, _args: readonly string[], print: Print) {
  const result = await verifyAuditChain(db, keys.only('audit'));
  if (result.ok) {
    const gone = result.dropped > 0 ? `, ${result.dropped} of them dropped by retention` : '';
    print(`The audit chain is whole: ${result.events} events${gone}.`);
    return OK;
  }
  print(`The audit chain is broken at row ${result.firstBadSeq}: ${result.reason}`);
  return FAILED;
}

async function seed(context: CommandContext, _args: readonly string[], print: Print) {
  if (context.settings.environment === 'production') {
    print('Refused in production: demo citizens and sites have known passwords.');
    return FAILED;
  }
  return await withRecords(context, async (records) => {
    const { citizens, sites } = await seedDemo(context, records, readDemo());
    print(`Added ${citizens} citizens and ${sites} sites of config/demo.json.`);
    return OK;
  });
}

function misused(name: string, print: Print): number {
  print(`Usage: npm run cli -- ${COMMANDS[name]?.usage ?? name}`);
  return USAGE;
}

/** Applies migrations in the owner's role; a command of its own because tables may be missing. */
export async function migrateTables(engine: DatabaseEngine, print: Print): Promise<number> {
  const owner = engine.connect('owner');
  try {
    const applied = await migrate(owner);
    print(applied.length === 0 ? 'The tables are up to date.' : `Applied: ${applied.join(', ')}`);
    return OK;
  } catch (error) {
    if ((error as { code?: unknown }).code !== INSUFFICIENT_PRIVILEGE) throw error;
    print('This role may not change tables: give the owner’s URL as YRT_MIGRATION_DATABASE_URL.');
    return FAILED;
  } finally {
    await owner.destroy();
  }
}
