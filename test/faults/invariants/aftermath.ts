/**
 * What is looked at once the load has ended: what was acknowledged is there, what was revoked stays
 * dead, what was used up stays used up, and the audit chain is whole and complete.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { verifyAuditChain } from '#audit/verify.ts';
import { openDatabase } from '#store/database.ts';
import { claimsOf } from '../../support/person.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { DATABASE } from '../cluster/service.ts';
import type { Journal, LiveSession } from '../load/journal.ts';
import { tryAgain, tryRevoked, type Stage } from '../load/operations.ts';
import { visitOf } from '../load/sites.ts';

const AT_A_TIME = 4;
/** Enough to see a defect, few enough to be quick. */
const MOST_REPLAYS = 200;
/** The outbox tries again after 1, 2, 4 … seconds, and after 30 what a dead or cut-off node had taken. */
const NOTICE_MILLISECONDS = 45_000;

/** @returns violations, in words; those of the journal as well */
export async function judge(cluster: Cluster, stage: Stage): Promise<string[]> {
  const { journal } = stage;
  const forAll = inParallel(journal);
  await forAll(journal.sessions, (session) => expectAlive(stage, session));
  await forAll(journal.revoked.slice(-MOST_REPLAYS), (one) => tryRevoked(stage, one));
  await forAll(journal.spent.slice(-MOST_REPLAYS), (one) => tryAgain(stage, one));
  await expectRows(cluster, journal);
  await expectNotices(cluster, journal);
  await expectWholeChain(cluster, journal);
  return counted(journal.violations);
}

/** A few at a time; what fails now, when all is well again, is a violation too. */
function inParallel({ violations }: Journal) {
  return async <Item>(items: readonly Item[], action: (item: Item) => Promise<void>) => {
    const left = [...items];
    const work = async () => {
      for (let item = left.shift(); item !== undefined; item = left.shift()) {
        await action(item).catch((error: unknown) =>
          violations.push(`afterwards: ${String(error)}`),
        );
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, work));
  };
}

/** The session opens a site, and every refresh token that was acknowledged works. */
async function expectAlive(stage: Stage, { browser, visits }: LiveSession): Promise<void> {
  const { people, sites, journal } = stage;
  const answer = await people.answerWithoutPage(browser);
  if (answer !== 'code') journal.violations.push(`an acknowledged session is gone: ${answer}`);
  for (const { site, refresh } of visits.values()) {
    if (refresh === undefined) continue;
    const tokens = await sites.use({ kind: 'refresh_token', site, value: refresh });
    if (!visitOf(site, tokens)) {
      journal.violations.push('an acknowledged refresh token is gone');
    }
  }
}

async function expectRows({ postgresql }: Cluster, journal: Journal): Promise<void> {
  const expectAtLeast = async (counts: ReadonlyMap<string, number>, event: string) => {
    const rows = await postgresql.sql<{ account_id: string; count: string }>(
      'SELECT account_id, count(*) FROM audit_events ' +
        'WHERE event = $1 AND account_id = ANY($2) GROUP BY account_id',
      { database: DATABASE, values: [event, [...counts.keys()]] },
    );
    const found = new Map(rows.map(({ account_id, count }) => [account_id, Number(count)]));
    for (const [accountId, count] of counts) {
      const missing = count - (found.get(accountId) ?? 0);
      if (missing > 0) journal.violations.push(`${event} is not in the audit log`);
    }
  };
  await expectAtLeast(journal.signIns, 'authn_login_success');
  await expectAtLeast(journal.signOuts, 'session_ended');
  const consents = await postgresql.sql<{ pair: string }>(
    "SELECT account_id || ' ' || client_id AS pair FROM consents",
    { database: DATABASE },
  );
  const recorded = new Set(consents.map(({ pair }) => pair));
  for (const pair of journal.consents) {
    if (!recorded.has(pair)) journal.violations.push('an acknowledged consent is gone');
  }
}

/** Every site of an acknowledged sign-out hears of it. */
async function expectNotices({ receiver }: Cluster, journal: Journal): Promise<void> {
  const told = () =>
    new Set(
      receiver.received.map(({ form }) => String(claimsOf(form.get('logout_token') ?? '')['sid'])),
    );
  const end = performance.now() + NOTICE_MILLISECONDS;
  const untold = () => journal.owedNotices.filter((sid) => !told().has(sid));
  while (untold().length > 0 && performance.now() < end) await sleep(100);
  journal.violations.push(...untold().map(() => 'a site never heard of a sign-out'));
}

async function expectWholeChain({ postgresql, service }: Cluster, journal: Journal) {
  const engine = await openDatabase({
    databaseUrl: `postgres://postgres@127.0.0.1:${postgresql.port}/${DATABASE}`,
    dataDirectory: '',
  });
  const db = engine.connect('application');
  try {
    const result = await verifyAuditChain(db, service.keys.only('audit'));
    if (!result.ok) {
      journal.violations.push(`the audit chain is ${result.reason} at row ${result.firstBadSeq}`);
    }
  } finally {
    await db.destroy();
    await engine.close();
  }
}

/** `['a', 'a', 'b']` → `['a (2 ×)', 'b']` */
function counted(lines: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
  return [...counts].map(([line, count]) => (count > 1 ? `${line} (${count} ×)` : line));
}
