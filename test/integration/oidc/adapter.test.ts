import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { createEphemeralKeyRing } from '#crypto/key-ring.ts';
import { Sealer } from '#crypto/sealing.ts';
import { systemClock } from '#lib/clock.ts';
import { createAdapterFactory } from '#oidc/adapter.ts';
import { installReplayDetection } from '#oidc/replay-detection.ts';
import { PostgresRecordStore } from '#store/postgres-record-store.ts';
import { PostgresSessionStore } from '#store/postgres-session-store.ts';
import type { Payload } from '#store/record-store.ts';
import type { EndedSession, SessionRecord } from '#store/session-store.ts';
import {
  authorizationPath,
  Browser,
  findClient,
  pushRequest,
  requestTokens,
  startBareProvider,
  userinfoStatus,
  type BareProvider,
  type TokenAnswer,
} from '../../support/bare-provider.ts';
import { describeOnEachDatabase } from '../../support/databases.ts';
import { ORIGIN } from '../../support/store-contract/session-fixture.ts';

describeOnEachDatabase('oidc/adapter', (current) => {
  let bare: BareProvider;
  let sessions: PostgresSessionStore;
  let records: PostgresRecordStore;
  let afterRead: (session: SessionRecord) => Promise<void>;
  let reused: { model: string; payload: Payload }[];
  let ended: EndedSession[];

  beforeEach(async () => {
    const sealer = new Sealer(createEphemeralKeyRing().only('sealing'));
    const stores = { db: current().db, sealer, clock: systemClock };
    records = new PostgresRecordStore(stores);
    sessions = new InterruptedSessions(stores, (session) => afterRead(session));
    [reused, ended] = [[], []];
    afterRead = () => Promise.resolve();
    const adapter = createAdapterFactory({
      ...{ records, sessions, findClient },
      originNow: () => ORIGIN,
      onReuse: (model, payload) => Promise.resolve(void reused.push({ model, payload })),
      onSessionEnded: (session) => Promise.resolve(void ended.push(session)),
    });
    bare = await startBareProvider(adapter, randomUUID());
  });
  afterEach(() => bare.close());

  const redeem = (clientId: string, code: string) =>
    requestTokens(bare, clientId, { grant_type: 'authorization_code', code });
  const refresh = (token: string) =>
    requestTokens(bare, 'site-a', { grant_type: 'refresh_token', refresh_token: token });
  const fifty = (call: () => Promise<TokenAnswer>) => Promise.all(Array.from({ length: 50 }, call));

  async function signIn(clientId = 'site-a') {
    const browser = new Browser(bare.issuer);
    const code = (await browser.authorize(clientId)).get('code') ?? '';
    expect(code).not.to.equal('');
    return { browser, code };
  }

  /** Exactly one of 50 got tokens, they are dead now, and one revocation was told. */
  async function expectOneDeadWinner(answers: TokenAnswer[], model: string) {
    const winners = answers.filter(({ status }) => status === 200);
    const losers = answers.filter(({ status }) => status !== 200);
    expect(winners).to.have.length(1);
    for (const loser of losers) expect(loser).to.include({ status: 400, error: 'invalid_grant' });
    expect(await userinfoStatus(bare, winners[0]?.access_token ?? '')).to.equal(401);
    const again = await refresh(winners[0]?.refresh_token ?? '');
    expect(again).to.include({ status: 400, error: 'invalid_grant' });
    expect(reused.map((event) => event.model)).to.deep.equal([model]);
    expect(reused[0]?.payload).to.include({ accountId: bare.accountId, jti: undefined });
  }

  // ABUSE-CASES P-01
  it('lets one of 50 parallel redemptions of a code win, and kills its tokens', async () => {
    const { code } = await signIn();
    await expectOneDeadWinner(await fifty(() => redeem('site-a', code)), 'AuthorizationCode');
  });

  // ABUSE-CASES P-09
  it('lets one of 50 parallel uses of a refresh token win, and kills the family', async () => {
    const { code } = await signIn();
    const { refresh_token = '' } = await redeem('site-a', code);
    await expectOneDeadWinner(await fifty(() => refresh(refresh_token)), 'RefreshToken');
  });

  it('kills the tokens when a code or refresh token comes again later, and tells it once', async () => {
    for (const late of ['code', 'refresh token'] as const) {
      reused = [];
      const { code } = await signIn();
      const tokens = await redeem('site-a', code);
      expect(await userinfoStatus(bare, tokens.access_token ?? '')).to.equal(200);
      const first = tokens.refresh_token ?? '';
      const rotated = await refresh(first);
      expect(rotated.status).to.equal(200);
      for (let times = 0; times < 2; times += 1) {
        const again = late === 'code' ? await redeem('site-a', code) : await refresh(first);
        expect(again).to.include({ status: 400, error: 'invalid_grant' });
      }
      expect(await userinfoStatus(bare, tokens.access_token ?? '')).to.equal(401);
      expect((await refresh(rotated.refresh_token ?? '')).status).to.equal(400);
      expect(reused).to.have.length(1);
      expect(reused[0]?.payload['jti']).to.equal(undefined);
    }
  });

  // PROVIDER-NOTES §0.2
  it('keeps every site of four parallel silent requests under one session', async () => {
    const { browser } = await signIn('site-portal');
    const sites = ['site-a', 'site-b', 'site-c', 'site-d'];
    const answers = await Promise.all(
      sites.map((clientId) => browser.authorize(clientId, { prompt: 'none' })),
    );
    const [session] = await sessions.listOf(bare.accountId);
    expect(session?.clientIds).to.have.members(['site-portal', ...sites]);
    for (const [index, answer] of answers.entries()) {
      const tokens = await redeem(sites[index] ?? '', answer.get('code') ?? '');
      expect(tokens.status, sites[index]).to.equal(200);
    }
  });

  it('replaces the cookie at a new sign-in and does not end the session', async () => {
    const { browser } = await signIn();
    const [before] = await sessions.listOf(bare.accountId);
    const old = browser.cookies.get('_session') ?? '';
    const answer = await browser.authorize('site-b', { prompt: 'login' });
    expect(answer.get('code')).not.to.equal(null);

    expect(ended).to.deep.equal([]);
    const after = await sessions.listOf(bare.accountId);
    expect(after.map(({ uid }) => uid)).to.deep.equal([before?.uid]);
    expect(after[0]?.clientIds).to.have.members(['site-a', 'site-b']);
    expect(browser.cookies.get('_session')).not.to.equal(old);
    expect(await sessions.findByHandle(old)).to.equal(undefined);
    const silent = await browser.authorize('site-c', { prompt: 'none' });
    expect(silent.get('code')).not.to.equal(null);
  });

  it('ends the session when the person signs out, tells it once and kills the tokens', async () => {
    const { browser, code } = await signIn();
    const tokens = await redeem('site-a', code);
    const cookie = browser.cookies.get('_session') ?? '';
    await browser.signOut();
    expect(ended).to.have.length(1);
    expect(Object.keys(ended[0]?.sites ?? {})).to.deep.equal(['site-a']);
    expect(await sessions.listOf(bare.accountId)).to.deep.equal([]);
    expect(await sessions.findByHandle(cookie)).to.equal(undefined);
    expect(await userinfoStatus(bare, tokens.access_token ?? '')).to.equal(401);
    expect((await refresh(tokens.refresh_token ?? '')).status).to.equal(400);
    const silent = await browser.authorize('site-a', { prompt: 'none' });
    expect(silent.get('error')).to.equal('login_required');
  });

  it('leaves a site when only that is signed out, and keeps the session', async () => {
    const { browser } = await signIn();
    await browser.authorize('site-b', { prompt: 'none' });
    await browser.signOut({ client_id: 'site-b' }, {});
    expect(ended).to.deep.equal([]);
    const [session] = await sessions.listOf(bare.accountId);
    expect(session?.clientIds).to.deep.equal(['site-a']);
    const silent = await browser.authorize('site-a', { prompt: 'none' });
    expect(silent.get('code')).not.to.equal(null);
  });

  it('hands out no code and no cookie when the session ends between read and save', async () => {
    const { browser } = await signIn();
    const cookie = browser.cookies.get('_session');
    afterRead = async ({ uid }) => {
      await sessions.end(uid);
    };
    const answer = await browser.authorize('site-b', { prompt: 'none' });
    expect(answer.get('error')).to.equal('invalid_request');
    expect(answer.get('code')).to.equal(null);
    expect(browser.cookies.get('_session')).to.equal(cookie);
    expect(await sessions.listOf(bare.accountId)).to.deep.equal([]);
    expect(await records.revokeGrantsOf(bare.accountId)).to.equal(0);
  });

  it('leaves the newer cookie in the browser when a sign-in overtakes a request', async () => {
    const { browser } = await signIn();
    const cookie = browser.cookies.get('_session') ?? '';
    const newer = 'handle-of-a-newer-sign-in';
    afterRead = async (session) => {
      afterRead = () => Promise.resolve();
      const found = { handle: cookie, sites: session.sites };
      const change = { session, found, lifetimeSeconds: 600, origin: undefined };
      await sessions.save({ ...change, handle: newer });
    };
    const { headers } = await browser.request(authorizationPath('site-b', { prompt: 'none' }));
    const code = new URL(headers.get('location') ?? '').searchParams.get('code') ?? '';
    expect(headers.getSetCookie().filter((line) => line.startsWith('_session'))).to.deep.equal([]);
    expect(await sessions.findByHandle(cookie)).to.equal(undefined);
    expect(Object.keys((await sessions.findByHandle(newer))?.sites ?? {})).to.include('site-b');
    expect((await redeem('site-b', code)).status).to.equal(200);
  });

  it('keeps the cookie of a session that was found by its uid and saved', async () => {
    const { browser } = await signIn();
    const [summary] = await sessions.listOf(bare.accountId);
    const session = await bare.provider.Session.findByUid(summary?.uid ?? '');
    await session?.persist();
    const silent = await browser.authorize('site-b', { prompt: 'none' });
    expect(silent.get('code')).not.to.equal(null);
    await session?.destroy();
    expect(ended.map(({ uid }) => uid)).to.deep.equal([summary?.uid]);
  });

  it('takes a pushed request once, however many use it at the same moment', async () => {
    const { browser } = await signIn();
    const request_uri = await pushRequest(bare, 'site-a');
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => browser.authorize('site-a', { request_uri })),
    );
    expect(answers.filter((answer) => answer.has('code'))).to.have.length(1);
    expect(
      answers.filter((answer) => answer.get('error') === 'invalid_request_uri'),
    ).to.have.length(9);
  });

  it('accepts one of 50 replays of an assertion, and none that lives for years', async () => {
    installReplayDetection(bare.provider, { records, clock: systemClock });
    const soon = systemClock.nowSeconds() + 60;
    const { ReplayDetection } = bare.provider;
    const jti = randomUUID();
    const accepted = await Promise.all(
      Array.from({ length: 50 }, () => ReplayDetection.unique('site-a', jti, soon)),
    );
    expect(accepted.filter(Boolean)).to.have.length(1);
    expect(await ReplayDetection.unique('site-b', jti, soon)).to.equal(true);
    expect(await ReplayDetection.unique('site-a', randomUUID(), soon + 90_000)).to.equal(false);
  });

  it('refuses replay checks until its own are installed', async () => {
    const { ReplayDetection } = bare.provider;
    const check = await ReplayDetection.unique('site-a', randomUUID(), 1).catch((e: unknown) => e);
    expect(check).to.be.instanceOf(Error);
  });
});

/** Lets something happen between a request's reading of the session and its saving of it. */
class InterruptedSessions extends PostgresSessionStore {
  readonly #afterRead: (session: SessionRecord) => Promise<void>;

  constructor(
    options: ConstructorParameters<typeof PostgresSessionStore>[0],
    afterRead: (session: SessionRecord) => Promise<void>,
  ) {
    super(options);
    this.#afterRead = afterRead;
  }

  override async findByHandle(handle: string) {
    const session = await super.findByHandle(handle);
    if (session) await this.#afterRead(session);
    return session;
  }
}
