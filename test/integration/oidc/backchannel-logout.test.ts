import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { expect } from 'chai';
import { createLocalJWKSet, decodeJwt, jwtVerify, type JSONWebKeySet } from 'jose';
import { errors, type ClientMetadata, type Provider } from 'oidc-provider';
import type { Outbox } from '#jobs/outbox.ts';
import {
  createLogoutNoticeHandler,
  enqueueLogoutNotices,
  installBackchannelOutbox,
  LOGOUT_NOTICE_KIND,
  type LogoutNoticeEnd,
} from '#oidc/backchannel-logout.ts';
import {
  bareProvider,
  listeningProvider,
  pairwiseSub,
  signingKeys,
  type ListeningProvider,
} from '../../support/bare-provider.ts';
import { describeOnEachDatabase } from '../../support/databases.ts';
import { LogoutReceiver } from '../../support/logout-receiver.ts';
import { aWorker, outboxOn, until } from '../../support/outbox.ts';

const ACCOUNT = 'account-1';

const site = (id: string, more: Partial<ClientMetadata> = {}): ClientMetadata => ({
  client_id: id,
  client_secret: `secret of ${id}`,
  redirect_uris: [`https://${id}.example/cb`],
  subject_type: 'pairwise',
  ...more,
});

describeOnEachDatabase('oidc/backchannel-logout', (current) => {
  const slow = new LogoutReceiver();
  const well = new LogoutReceiver();
  let op: ListeningProvider;
  let outbox: Outbox;
  let delivered: LogoutNoticeEnd[];
  let givenUp: LogoutNoticeEnd[];
  let stopWorker: (() => Promise<void>) | undefined;

  beforeEach(async () => {
    await current().db('outbox').delete();
    await slow.open();
    await well.open();
    op = await listeningProvider([
      site('slow', { backchannel_logout_uri: slow.uri }),
      site('well', {
        backchannel_logout_uri: well.uri,
        backchannel_logout_session_required: true,
        id_token_signed_response_alg: 'ES256',
      }),
      site('quiet'),
    ]);
    outbox = outboxOn(current().db);
    installBackchannelOutbox(op.provider, outbox);
    [delivered, givenUp] = [[], []];
    for (const receiver of [slow, well]) {
      receiver.behaviour = 200;
      receiver.received.length = 0;
    }
  });
  afterEach(async () => {
    await stopWorker?.();
    stopWorker = undefined;
    await Promise.all([op.close(), slow.close(), well.close()]);
  });

  function startDelivering(getProvider: () => Provider = () => op.provider) {
    const handler = createLogoutNoticeHandler(getProvider, {
      fetch: (url, { signal, ...init }) =>
        fetch(url, {
          ...init,
          signal: AbortSignal.any([AbortSignal.timeout(300), ...(signal ? [signal] : [])]),
        }),
      onDelivered: (end) => Promise.resolve(void delivered.push(end)),
      onGivenUp: (end) => Promise.resolve(void givenUp.push(end)),
    });
    const worker = aWorker({ outbox, handlers: { [LOGOUT_NOTICE_KIND]: handler } });
    stopWorker = () => worker.stop();
  }
  const tokenOf = (receiver: LogoutReceiver, n = 0) =>
    receiver.received[n]?.form.get('logout_token') ?? '';
  const keySet = async () =>
    createLocalJWKSet((await (await fetch(`${op.issuer}/jwks`)).json()) as JSONWebKeySet);

  it('tells every site that wants it when the person signs out', async () => {
    startDelivering();
    const cookies = await op.signIn(ACCOUNT, { slow: 'sid-1', well: 'sid-2', quiet: 'sid-3' });
    expect((await op.signOut(cookies)).status).to.equal(303);
    await until(() => delivered.length === 2);
    expect([slow.received.length, well.received.length]).to.deep.equal([1, 1]);
    expect(delivered.map(({ clientId }) => clientId)).to.have.members(['slow', 'well']);
    expect(delivered[0]).to.include({ accountId: ACCOUNT, attempts: 1, httpStatus: 200 });
  });

  it('does not sign out while a site cannot be told, and tells it at the next try', async () => {
    const cookies = await op.signIn(ACCOUNT, { slow: 'sid-1', well: 'sid-2' });
    const enqueue = outbox.enqueue.bind(outbox);
    outbox.enqueue = () => Promise.reject(new Error('the database does not answer'));
    expect((await op.signOut(cookies)).status).to.equal(500);
    outbox.enqueue = enqueue;
    startDelivering();
    expect((await op.signOut(cookies)).status).to.equal(303);
    await until(() => delivered.length === 2);
  });

  // Back-Channel Logout 1.0 §2.4–2.5, and the conformance suite's checks.
  it('posts a logout token, signed by the site’s algorithm, and nothing else', async () => {
    startDelivering();
    await op.signOut(await op.signIn(ACCOUNT, { slow: 'sid-1', well: 'sid-2' }));
    await until(() => delivered.length === 2);
    const keys = await keySet();
    for (const [receiver, clientId, sid, alg] of [
      [slow, 'slow', 'sid-1', 'RS256'],
      [well, 'well', 'sid-2', 'ES256'],
    ] as const) {
      const [notice] = receiver.received;
      expect(notice).to.include({ method: 'POST' });
      expect(notice?.contentType).to.match(/^application\/x-www-form-urlencoded/);
      expect([...(notice?.form.keys() ?? [])]).to.deep.equal(['logout_token']);
      const { payload, protectedHeader } = await jwtVerify(tokenOf(receiver), keys, {
        issuer: op.issuer,
        audience: clientId,
        typ: 'logout+jwt',
        algorithms: [alg],
        maxTokenAge: 60,
      });
      expect(protectedHeader.kid).to.be.a('string');
      expect(payload).to.have.all.keys('iss', 'aud', 'iat', 'exp', 'jti', 'events', 'sub', 'sid');
      expect((payload.exp ?? 0) - (payload.iat ?? 0)).to.be.within(1, 120);
      expect(payload['events']).to.deep.equal({
        'http://schemas.openid.net/event/backchannel-logout': {},
      });
      expect(payload).to.include({ sub: pairwiseSub(ACCOUNT, clientId), sid });
    }
  });

  it('tells a site once per sign-out form, and again when the person starts over', async () => {
    const sessions = op.provider.Session.prototype as { destroy: () => Promise<void> };
    const { destroy } = sessions;
    sessions.destroy = () => Promise.reject(new Error('the session stays'));
    startDelivering();
    const cookies = await op.signIn(ACCOUNT, { slow: 'sid-1' });
    const submit = await op.openSignOutForm(cookies);
    expect([(await submit()).status, (await submit()).status]).to.deep.equal([500, 500]);
    await until(() => delivered.length === 1);
    expect(await current().db('outbox')).to.have.length(1);
    sessions.destroy = destroy;
    expect((await op.signOut(cookies)).status).to.equal(303);
    await until(() => delivered.length === 2);
  });

  it('does not let the person wait for a site that hangs, and tells it when it has healed', async () => {
    slow.behaviour = 'hang';
    startDelivering();
    const cookies = await op.signIn(ACCOUNT, { slow: 'sid-1', well: 'sid-2' });
    const startedAt = performance.now();
    const answer = await op.signOut(cookies);
    expect(answer.status).to.equal(303);
    expect(performance.now() - startedAt).to.be.below(1000);
    await until(() => delivered.length === 1 && slow.received.length >= 2);
    expect(delivered[0]?.clientId).to.equal('well');
    slow.behaviour = 204;
    await until(() => delivered.length === 2);
    expect(delivered[1]).to.include({ clientId: 'slow', httpStatus: 204 });
  });

  it('tells a site that failed or refused connections when it has healed, under one jti', async () => {
    slow.behaviour = 500;
    startDelivering();
    await op.signOut(await op.signIn(ACCOUNT, { slow: 'sid-1' }));
    await until(() => slow.received.length >= 2);
    await slow.close();
    await until(async () => {
      const attempts = await current().db<{ error_code: string | null }>('outbox_attempts');
      return attempts.some(({ error_code: code }) => code !== null);
    });
    slow.behaviour = 200;
    await slow.open();
    await until(() => delivered.length === 1);
    const ids = slow.received.map((_, n) => decodeJwt(tokenOf(slow, n)).jti);
    expect(ids.length).to.be.greaterThan(2);
    expect(new Set(ids)).to.deep.equal(new Set([delivered[0]?.id]));
  });

  it('gives up on a site that keeps refusing the token', async () => {
    slow.behaviour = 400;
    startDelivering();
    await op.signOut(await op.signIn(ACCOUNT, { slow: 'sid-1' }));
    await until(() => givenUp.length === 1);
    expect(givenUp[0]).to.include({ clientId: 'slow', httpStatus: 400, attempts: 5 });
    expect(slow.received).to.have.length(5);
  });

  it('signs with the keys and the registration of the moment of sending', async () => {
    await op.signOut(await op.signIn(ACCOUNT, { slow: 'sid-1' }));
    const moved = site('slow', {
      backchannel_logout_uri: well.uri,
      id_token_signed_response_alg: 'ES256',
    });
    const rotated = await signingKeys();
    startDelivering(() => bareProvider(op.issuer, [moved], rotated));
    await until(() => delivered.length === 1);
    const [, key = {}] = rotated.keys;
    const publicKey = createPublicKey({ key: key as JsonWebKey, format: 'jwk' });
    const options = { audience: 'slow', algorithms: ['ES256'] };
    const { payload } = await jwtVerify(tokenOf(well), publicKey, options);
    expect(payload['sid']).to.equal('sid-1');
  });

  it('gives up on a site that is gone or wants no notices any more', async () => {
    await op.signOut(await op.signIn(ACCOUNT, { slow: 'sid-1', well: 'sid-2' }));
    const jwks = await signingKeys();
    startDelivering(() => bareProvider(op.issuer, [site('well')], jwks));
    await until(() => givenUp.length === 2);
    const reasons = Object.fromEntries(givenUp.map((end) => [end.clientId, end.errorCode]));
    expect(reasons).to.deep.equal({ slow: 'client_gone', well: 'no_endpoint' });
  });

  it('owes the notices of a session ended otherwise in that transaction, once', async () => {
    const sites = { slow: { sid: 'sid-1' }, well: { sid: 'sid-2' }, quiet: { sid: 'sid-3' } };
    const ended = { uid: 'session-1', accountId: ACCOUNT, sites };
    const clients = op.provider.Client;
    const { db } = current();
    const undone = db.transaction(async (transaction) => {
      expect(await enqueueLogoutNotices(outbox, ended, { clients, transaction })).to.equal(2);
      throw new Error('the caller failed');
    });
    await undone.catch(() => undefined);
    expect(await db('outbox')).to.deep.equal([]);
    await enqueueLogoutNotices(outbox, ended, { clients });
    await enqueueLogoutNotices(outbox, ended, { clients });
    startDelivering();
    await until(() => delivered.length === 2);
    expect([slow.received.length, well.received.length]).to.deep.equal([1, 1]);
  });

  it('lets a session end although the registration of one of its sites is broken', async () => {
    const clients = {
      find: () => Promise.reject(new errors.InvalidClientMetadata('not valid any more')),
    };
    const ended = { uid: 'session-2', accountId: ACCOUNT, sites: { well: { sid: 'sid-2' } } };
    expect(await enqueueLogoutNotices(outbox, ended, { clients })).to.equal(1);
    startDelivering();
    await until(() => delivered.length === 1);
  });

  it('stores neither the account nor the sid in clear', async () => {
    await op.signOut(await op.signIn('canary-account', { slow: 'canary-sid' }));
    const rows = JSON.stringify(await current().db('outbox'));
    expect(rows).to.contain('"kind":"backchannel_logout"').and.not.contain('canary');
  });

  it('refuses to install where the library has no such method', () => {
    const altered = { Client: { prototype: {} } };
    expect(() => installBackchannelOutbox(altered as unknown as Provider, outbox)).to.throw(
      'backchannelLogout',
    );
  });
});
