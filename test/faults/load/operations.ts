/**
 * The operations of the load. Each is written as what should happen; a request that fails ends it
 * (RequestFailed), and what was acknowledged until then is in the journal.
 */
import { claimsOf } from '../../support/person.ts';
import type { FaultCitizen, SiteName } from '../cluster/service.ts';
import type { Journal, LiveSession, Revoked, SingleUse, Visit } from './journal.ts';
import type { People } from './people.ts';
import type { SeededRandom } from './random.ts';
import { visitOf, type Sites } from './sites.ts';
import { ATTEMPT_HEADER } from './wire.ts';

export interface Stage {
  readonly people: People;
  readonly sites: Sites;
  readonly journal: Journal;
  readonly random: SeededRandom;
  readonly citizens: readonly FaultCitizen[];
}

export type Operation = (stage: Stage) => Promise<void>;

/** How many of a hundred operations are of which kind. */
export const WEIGHTS = {
  discovery: 10,
  jwks: 7,
  machineToken: 12,
  introspect: 18,
  refresh: 14,
  walkIn: 14,
  signIn: 7,
  signOut: 3,
  useTwiceAtOnce: 4,
  useAgain: 5,
  tryRevoked: 6,
} as const;
export type OperationName = keyof typeof WEIGHTS;

export const OPERATIONS: Readonly<Record<OperationName, Operation>> = {
  discovery: async ({ sites }) => {
    await sites.isPublished('/.well-known/openid-configuration');
  },
  jwks: async ({ sites }) => {
    await sites.isPublished('/jwks');
  },
  machineToken: async ({ sites, journal }) => {
    if (!(await sites.machineToken())) journal.violations.push('client credentials were refused');
  },
  introspect: (stage) => withSession(stage, introspect),
  refresh: (stage) => withSession(stage, refresh),
  walkIn: (stage) => withSession(stage, walkIn),
  signIn,
  signOut,
  useTwiceAtOnce: (stage) => withSession(stage, useTwiceAtOnce),
  useAgain: async (stage) => {
    const one = stage.random.pick(stage.journal.spent.filter(({ site }) => site === 'trial'));
    if (one) await tryAgain(stage, one);
  },
  tryRevoked: async (stage) => {
    const one = stage.random.pick(stage.journal.revoked);
    if (one) await tryRevoked(stage, one);
  },
};

type InSession = (stage: Stage, session: LiveSession) => Promise<void>;

async function withSession(stage: Stage, action: InSession): Promise<void> {
  const session = stage.journal.take(stage.random);
  if (!session) return;
  await action(stage, session).finally(() => stage.journal.keep(session));
}

/** A full sign-in, from the site's button to its tokens, in a new browser. */
export async function signIn(stage: Stage): Promise<void> {
  const { people, journal, random } = stage;
  const citizen = random.pick(stage.citizens);
  if (!citizen) return;
  const site: SiteName = random.next() < 0.5 ? 'portal' : 'fund';
  const browser = people.newBrowser();
  const arrival = await people.visit(browser, site, citizen);
  if (arrival.at !== 'site') {
    journal.losses.push('interaction');
    return;
  }
  journal.count(journal.signIns, citizen);
  if (arrival.agreed) journal.consents.add(`${citizen.accountId} ${site}`);
  const session: LiveSession = { browser, citizen, visits: new Map() };
  await redeemInto(stage, session, arrival.code).finally(() => journal.keep(session));
}

/** Single sign-on into a site. */
async function walkIn(stage: Stage, session: LiveSession): Promise<void> {
  const site: SiteName = stage.random.next() < 0.5 ? 'portal' : 'fund';
  const code = await codeFor(stage, session, site);
  if (!code) return;
  await redeemInto(stage, session, code);
  const { access } = session.visits.get(site) ?? {};
  if (access !== undefined && !(await stage.sites.readsUserinfo(site, access))) {
    stage.journal.losses.push('access_token');
  }
}

async function codeFor(stage: Stage, { browser, citizen }: LiveSession, site: SiteName) {
  const { people, journal } = stage;
  const arrival = await people.visit(browser, site);
  if (arrival.at !== 'site') {
    if (arrival.at === 'expired') journal.losses.push('interaction');
    else journal.violations.push('a person who is signed in was asked to sign in');
    return undefined;
  }
  if (arrival.agreed) journal.consents.add(`${citizen.accountId} ${site}`);
  return arrival.code;
}

async function redeemInto(stage: Stage, session: LiveSession, code: SingleUse): Promise<void> {
  const visit = visitOf(code.site, await stage.sites.use(code));
  if (!visit) {
    stage.journal.losses.push('code');
    // A repetition of a code that was used after all takes the site's earlier tokens with it.
    session.visits.delete(code.site);
    return;
  }
  stage.journal.spent.push(code);
  session.visits.set(code.site, visit);
}

async function introspect({ sites, journal, random }: Stage, { visits }: LiveSession) {
  const visit = random.pick([...visits.values()]);
  if (visit && !(await sites.isActive(visit.site, visit.access))) {
    journal.losses.push('access_token');
    visits.delete(visit.site);
  }
}

/** Rotates a refresh token. Without an answer nobody knows which of the two is good. */
async function refresh(stage: Stage, { visits }: LiveSession): Promise<void> {
  const { sites, journal, random } = stage;
  const visit = random.pick([...visits.values()].filter((one) => one.refresh !== undefined));
  if (visit?.refresh === undefined) return;
  const one: SingleUse = { kind: 'refresh_token', site: visit.site, value: visit.refresh };
  visit.refresh = undefined;
  const answer = await sites.use(one);
  const next = visitOf(visit.site, answer);
  if (!next) {
    const isCertain = answer.headers.get(ATTEMPT_HEADER) === '1';
    if (isCertain) journal.violations.push('a refresh token that was never used was refused');
    else journal.losses.push('refresh_token');
    visits.delete(visit.site);
    return;
  }
  journal.spent.push(one);
  visits.set(visit.site, next);
}

async function signOut({ people, journal, random }: Stage): Promise<void> {
  const session = journal.take(random);
  if (!session) return;
  if (!(await people.signOut(session))) return;
  const { browser, citizen, visits } = session;
  journal.count(journal.signOuts, citizen);
  journal.revoke({ kind: 'session', browser }, ...[...visits.values()].flatMap(deadTokens));
  for (const { site, idToken } of visits.values()) {
    if (site !== 'trial') journal.owedNotices.push(String(claimsOf(idToken)['sid']));
  }
}

function deadTokens({ site, access, refresh: value }: Visit): Revoked[] {
  const dead: Revoked[] = [{ kind: 'access_token', site, value: access }];
  if (value !== undefined) dead.push({ kind: 'refresh_token', site, value });
  return dead;
}

const AT_ONCE = 3;

/** The same code, or the same refresh token, over several connections at the same moment. */
async function useTwiceAtOnce(stage: Stage, session: LiveSession): Promise<void> {
  const code = await codeFor(stage, session, 'trial');
  if (!code) return;
  const won = await race(stage, code);
  if (won?.refresh !== undefined && stage.random.next() < 0.5) {
    await race(stage, { kind: 'refresh_token', site: 'trial', value: won.refresh });
  }
}

async function race({ sites, journal }: Stage, one: SingleUse): Promise<Visit | undefined> {
  const answers = await Promise.allSettled(Array.from({ length: AT_ONCE }, () => sites.use(one)));
  const visits = answers
    .map((answer) => (answer.status === 'fulfilled' ? visitOf(one.site, answer.value) : undefined))
    .filter((visit) => visit !== undefined);
  if (visits.length > 1) journal.violations.push(`a ${one.kind} worked ${visits.length} times`);
  // Whoever came second revoked what the first one got (RFC 9700 §4.14.2).
  const isRefused = answers.some((a) => a.status === 'fulfilled' && a.value.status === 400);
  if (visits.length > 0) journal.spent.push(one);
  if (isRefused && one.kind === 'refresh_token') journal.revoke(...visits.flatMap(deadTokens));
  return visits[0];
}

/** Uses once more what was used up. */
export async function tryAgain({ sites, journal }: Stage, one: SingleUse): Promise<void> {
  const { status } = await sites.use(one);
  if (status === 200) journal.violations.push(`a used ${one.kind} worked again`);
}

/** Tries what was revoked more than a second ago. */
export async function tryRevoked({ people, sites, journal }: Stage, one: Revoked): Promise<void> {
  const works =
    one.kind === 'session'
      ? (await people.answerWithoutPage(one.browser)) === 'code'
      : one.kind === 'refresh_token'
        ? (await sites.use(one)).status === 200
        : (await sites.isActive(one.site, one.value)) ||
          (await sites.readsUserinfo(one.site, one.value));
  if (works) journal.violations.push(`a revoked ${one.kind} was accepted`);
}
