import { expect } from 'chai';
import {
  authorizationPath,
  Browser,
  requestTokens,
  userinfoStatus,
} from '../../support/adapter-provider.ts';
import { describeOnEachDatabase } from '../../support/databases.ts';
import { startStoredProvider, type StoredProvider } from '../../support/stored-provider.ts';

describeOnEachDatabase('oidc/session-adapter', (current) => {
  let bare: StoredProvider;
  beforeEach(async () => {
    bare = await startStoredProvider(current().db);
  });
  afterEach(() => bare.close());

  const redeem = (clientId: string, code: string) =>
    requestTokens(bare, clientId, { grant_type: 'authorization_code', code });
  const refresh = (token: string) =>
    requestTokens(bare, 'site-a', { grant_type: 'refresh_token', refresh_token: token });

  async function signIn(clientId = 'site-a') {
    const browser = new Browser(bare.issuer);
    const code = (await browser.authorize(clientId)).get('code') ?? '';
    expect(code).not.to.equal('');
    return { browser, code };
  }

  // PROVIDER-NOTES §0.2
  it('keeps every site of four parallel silent requests under one session', async () => {
    const { browser } = await signIn('site-portal');
    const sites = ['site-a', 'site-b', 'site-c', 'site-d'];
    const answers = await Promise.all(
      sites.map((clientId) => browser.authorize(clientId, { prompt: 'none' })),
    );
    const [session] = await bare.sessions.listOf(bare.accountId);
    expect(session?.clientIds).to.have.members(['site-portal', ...sites]);
    for (const [index, answer] of answers.entries()) {
      const tokens = await redeem(sites[index] ?? '', answer.get('code') ?? '');
      expect(tokens.status, sites[index]).to.equal(200);
    }
  });

  it('replaces the cookie at a new sign-in and does not end the session', async () => {
    const { browser } = await signIn();
    const [before] = await bare.sessions.listOf(bare.accountId);
    const old = browser.cookies.get('_session') ?? '';
    const answer = await browser.authorize('site-b', { prompt: 'login' });
    expect(answer.get('code')).not.to.equal(null);
    expect(bare.ended).to.deep.equal([]);
    const after = await bare.sessions.listOf(bare.accountId);
    expect(after.map(({ uid }) => uid)).to.deep.equal([before?.uid]);
    expect(after[0]?.clientIds).to.have.members(['site-a', 'site-b']);
    expect(browser.cookies.get('_session')).not.to.equal(old);
    expect(await bare.sessions.findByHandle(old)).to.equal(undefined);
    const silent = await browser.authorize('site-c', { prompt: 'none' });
    expect(silent.get('code')).not.to.equal(null);
  });

  it('ends the session when the person signs out, tells it once and kills the tokens', async () => {
    const { browser, code } = await signIn();
    const tokens = await redeem('site-a', code);
    const cookie = browser.cookies.get('_session') ?? '';
    await browser.signOut();
    expect(bare.ended).to.have.length(1);
    expect(Object.keys(bare.ended[0]?.sites ?? {})).to.deep.equal(['site-a']);
    expect(await bare.sessions.listOf(bare.accountId)).to.deep.equal([]);
    expect(await bare.sessions.findByHandle(cookie)).to.equal(undefined);
    expect(await userinfoStatus(bare, tokens.access_token ?? '')).to.equal(401);
    expect((await refresh(tokens.refresh_token ?? '')).status).to.equal(400);
    const silent = await browser.authorize('site-a', { prompt: 'none' });
    expect(silent.get('error')).to.equal('login_required');
  });

  it('leaves a site when only that is signed out, and keeps the session', async () => {
    const { browser } = await signIn();
    await browser.authorize('site-b', { prompt: 'none' });
    await browser.signOut({ client_id: 'site-b' }, {});
    expect(bare.ended).to.deep.equal([]);
    const [session] = await bare.sessions.listOf(bare.accountId);
    expect(session?.clientIds).to.deep.equal(['site-a']);
    const silent = await browser.authorize('site-a', { prompt: 'none' });
    expect(silent.get('code')).not.to.equal(null);
  });

  it('hands out no code when the session ends between read and save', async () => {
    const { browser } = await signIn();
    bare.afterSessionRead = async ({ uid }) => {
      await bare.sessions.end(uid);
    };
    const answer = await browser.authorize('site-b', { prompt: 'none' });
    expect(answer.get('error')).to.equal('invalid_request');
    expect(answer.get('code')).to.equal(null);
    expect(await bare.sessions.listOf(bare.accountId)).to.deep.equal([]);
    expect(await bare.records.revokeGrantsOf(bare.accountId)).to.equal(0);
  });

  it('leaves the newer cookie in the browser when a sign-in overtakes a request', async () => {
    const { browser } = await signIn();
    const cookie = browser.cookies.get('_session') ?? '';
    const newer = 'handle-of-a-newer-sign-in';
    bare.afterSessionRead = async (session) => {
      bare.afterSessionRead = () => Promise.resolve();
      const found = { handle: cookie, sites: session.sites };
      const change = { session, found, lifetimeSeconds: 600, origin: undefined };
      await bare.sessions.save({ ...change, handle: newer });
    };
    const { headers } = await browser.request(authorizationPath('site-b', { prompt: 'none' }));
    const code = new URL(headers.get('location') ?? '').searchParams.get('code') ?? '';
    expect(headers.getSetCookie().filter((line) => line.startsWith('_session'))).to.deep.equal([]);
    expect(await bare.sessions.findByHandle(cookie)).to.equal(undefined);
    expect(Object.keys((await bare.sessions.findByHandle(newer))?.sites ?? {})).to.include(
      'site-b',
    );
    expect((await redeem('site-b', code)).status).to.equal(200);
  });

  it('keeps the cookie of a session that was found by its uid and saved', async () => {
    const { browser } = await signIn();
    const [summary] = await bare.sessions.listOf(bare.accountId);
    const session = await bare.provider.Session.findByUid(summary?.uid ?? '');
    if (session) session.acr = 'aal2';
    await session?.persist();
    expect((await bare.sessions.listOf(bare.accountId))[0]?.acr).to.equal('aal2');
    const silent = await browser.authorize('site-b', { prompt: 'none' });
    expect(silent.get('code')).not.to.equal(null);
    await session?.destroy();
    expect(bare.ended.map(({ uid }) => uid)).to.deep.equal([summary?.uid]);
  });
});
