import { expect } from 'chai';
import { accepted, refused, type Authenticator } from '#authenticators/authenticator.ts';
import { AppError } from '#lib/errors.ts';
import type { RequestOrigin } from '#lib/request-origin.ts';
import type { SignInForm, SignInOutcome } from '#sign-in/sign-in.ts';
import { describeOnEachDatabase } from '../../support/databases.ts';
import { eventsOf } from '../../support/password-requests.ts';
import {
  aCitizen,
  startTestServer,
  type Citizen,
  type TestServer,
} from '../../support/test-server.ts';

const RIGHT = 'right';
const origin: RequestOrigin = {
  ...{ requestId: 'r', address: '192.0.2.7', userAgent: 'test', channel: 'web' },
};

/** A way to sign in whose right answer is `right`; counts how often it compared. */
function aMethod(id: string, fail?: Error) {
  const seen: (string | undefined)[] = [];
  const method: Authenticator = {
    ...{ id, amr: ['pwd'], factor: 'knowledge', begin: () => Promise.resolve({}) },
    answer: undefined as never,
    verify: ({ accountId }, answer) => {
      seen.push(accountId);
      if (fail) return Promise.reject(fail);
      const isRight = accountId !== undefined && answer === RIGHT;
      return Promise.resolve(isRight ? accepted(accountId) : refused('wrong_answer'));
    },
  };
  return { method, seen };
}

describeOnEachDatabase('sign-in/sign-in', (current) => {
  let server: TestServer;
  let citizen: Citizen;
  before(async () => {
    server = await startTestServer(current());
  });
  after(() => server.stop());
  beforeEach(async () => {
    citizen = await aCitizen(server);
  });

  const answer = async (
    method: Authenticator,
    changes: Partial<SignInForm> = {},
  ): Promise<SignInOutcome> =>
    await server.running.services.signIn.answer(method, {
      ...{ interactionId: 'i', clientId: 'portal', account: citizen.phone, answer: RIGHT },
      ...{ browser: 'a-browser-of-22-chars', origin },
      ...changes,
    });

  it('says who signed in and what was proven, whatever identifier was typed', async () => {
    const { method } = aMethod('test');
    for (const account of [citizen.phone, citizen.username, citizen.idNumber ?? '']) {
      expect(await answer(method, { account })).to.deep.equal({
        ...{ ok: true, accountId: citizen.accountId },
        ...{ acr: 'urn:yirentong:aal:1', amr: ['pwd'] },
      });
    }
  });

  it('records a sign-in with the site, and a refusal with its reason', async () => {
    const { method } = aMethod('test');
    await answer(method, { answer: 'wrong' });
    await answer(method);
    const events = await eventsOf(server, citizen.accountId);
    expect(events).to.deep.equal([
      { event: 'authn_login_fail', details: { method: 'test', reason: 'wrong_answer' } },
      {
        event: 'authn_login_success',
        details: { acr: 'urn:yirentong:aal:1', amr: ['pwd'] },
      },
    ]);
  });

  it('asks the method about absent accounts too, without an account', async () => {
    const { method, seen } = aMethod('test');
    const outcome = await answer(method, { account: 'nobody-here' });
    expect(outcome).to.deep.equal({ ok: false, refusal: 'wrong_answer' });
    expect(seen).to.deep.equal([undefined]);
  });

  it('does not compare after five wrong answers, not even the right one', async () => {
    const { method, seen } = aMethod('test');
    for (let attempt = 0; attempt < 5; attempt += 1) await answer(method, { answer: 'wrong' });
    const outcome = await answer(method);
    expect(outcome).to.include({ ok: false, refusal: 'locked' });
    expect(outcome).to.have.property('retryAfterSeconds').that.is.within(1, 60);
    expect(seen).to.have.length(5);
    const events = await eventsOf(server, citizen.accountId);
    expect(events.map(({ event }) => event).slice(-2)).to.deep.equal([
      'authn_login_lock',
      'authn_login_fail',
    ]);
  });

  it('locks one way to sign in and not the others', async () => {
    const [one, other] = [aMethod('one'), aMethod('other')];
    for (let attempt = 0; attempt < 5; attempt += 1) await answer(one.method, { answer: 'wrong' });
    expect(await answer(one.method)).to.include({ refusal: 'locked' });
    expect(await answer(other.method)).to.include({ ok: true });
  });

  it('counts all identifiers of one account together', async () => {
    const { method } = aMethod('test');
    const identifiers = [citizen.phone, citizen.username, citizen.idNumber ?? ''];
    for (let attempt = 0; attempt < 5; attempt += 1) {
      await answer(method, { answer: 'wrong', account: identifiers[attempt % 3] ?? '' });
    }
    for (const account of identifiers) {
      expect(await answer(method, { account }), account).to.include({ refusal: 'locked' });
    }
  });

  it('knows the device from the first right answer on', async () => {
    const { method } = aMethod('test');
    await answer(method);
    const stranger = { browser: 'another-browser-22-ch' };
    for (let attempt = 0; attempt < 5; attempt += 1) {
      await answer(method, { answer: 'wrong', ...stranger });
    }
    expect(await answer(method, stranger)).to.include({ refusal: 'locked' });
    expect(await answer(method)).to.include({ ok: true });
  });

  it('refuses every account that is not active like a wrong answer', async () => {
    const { method } = aMethod('test');
    const { accounts } = server.running.services.records;
    for (const status of ['locked', 'frozen', 'cancelled', 'deceased'] as const) {
      await accounts.changeStatus(citizen.accountId, status);
      expect(await answer(method), status).to.deep.equal({ ok: false, refusal: 'wrong_answer' });
    }
    await accounts.changeStatus(citizen.accountId, 'active');
    expect(await answer(method)).to.include({ ok: true });
  });

  it('counts no attempt that a busy server did not look at', async () => {
    const busy = aMethod('test', new AppError('server.busy'));
    for (let attempt = 0; attempt < 8; attempt += 1) {
      expect(await answer(busy.method)).to.deep.equal({
        ...{ ok: false, refusal: 'busy', retryAfterSeconds: 1 },
      });
    }
    expect(await answer(aMethod('test').method)).to.include({ ok: true });
  });

  it('passes on what broke, and counts no attempt for it', async () => {
    const broken = aMethod('test', new TypeError('a bug'));
    for (let attempt = 0; attempt < 8; attempt += 1) {
      const error = await answer(broken.method).catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(TypeError);
    }
    expect(await answer(aMethod('test').method)).to.include({ ok: true });
  });
});
