import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { systemClock } from '#lib/clock.ts';
import { installReplayDetection } from '#oidc/replay-detection.ts';
import {
  Browser,
  pushRequest,
  requestTokens,
  userinfoStatus,
  type TokenAnswer,
} from '../../support/adapter-provider.ts';
import { describeOnEachDatabase } from '../../support/databases.ts';
import { startStoredProvider, type StoredProvider } from '../../support/stored-provider.ts';

describeOnEachDatabase('oidc/adapter', (current) => {
  let bare: StoredProvider;
  beforeEach(async () => {
    bare = await startStoredProvider(current().db);
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

  /** Exactly one of them got tokens, they are dead now, and one revocation was told. */
  async function expectOneDeadWinner(answers: TokenAnswer[], model: string) {
    const winners = answers.filter(({ status }) => status === 200);
    const losers = answers.filter(({ status }) => status !== 200);
    expect(winners).to.have.length(1);
    for (const loser of losers) expect(loser).to.include({ status: 400, error: 'invalid_grant' });
    expect(await userinfoStatus(bare, winners[0]?.access_token ?? '')).to.equal(401);
    const again = await refresh(winners[0]?.refresh_token ?? '');
    expect(again).to.include({ status: 400, error: 'invalid_grant' });
    expect(bare.reused.map((event) => event.model)).to.deep.equal([model]);
    expect(bare.reused[0]?.payload).to.include({ accountId: bare.accountId, jti: undefined });
  }

  /** Every request that has read the record waits until `count` have. */
  function meetBeforeConsume(count: number) {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    let waiting = 0;
    bare.beforeConsume = () => {
      waiting += 1;
      if (waiting === count) resolve(undefined);
      return promise;
    };
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

  it('kills the tokens of two who both read the code or token before either used it', async () => {
    const { code } = await signIn();
    meetBeforeConsume(2);
    const both = await Promise.all([redeem('site-a', code), redeem('site-a', code)]);
    await expectOneDeadWinner(both, 'AuthorizationCode');

    bare.reused.length = 0;
    bare.beforeConsume = () => Promise.resolve();
    const tokens = await redeem('site-a', (await signIn()).code);
    meetBeforeConsume(2);
    const token = tokens.refresh_token ?? '';
    await expectOneDeadWinner(await Promise.all([refresh(token), refresh(token)]), 'RefreshToken');
  });

  it('kills the tokens when a code or refresh token comes again later, and tells it once', async () => {
    for (const late of ['code', 'refresh token'] as const) {
      bare.reused.length = 0;
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
      expect(bare.reused).to.have.length(1);
      expect(bare.reused[0]?.payload['jti']).to.equal(undefined);
    }
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
    installReplayDetection(bare.provider, { records: bare.records, clock: systemClock });
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
