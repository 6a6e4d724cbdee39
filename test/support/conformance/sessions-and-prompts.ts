/** Lines 2.17–2.21, 2.23 and 2.27: what a living session answers without a page, and what it does not. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { ACR_VALUES } from '#sign-in/levels.ts';
import { completeFlow, expectError, followUp, type Flow } from './checks.ts';
import { isSignInPage, type Parameters, type Tester } from './tester.ts';

/** Any of these says that the person is needed (OpenID Connect Core §3.1.2.6). */
export const NEEDS_THE_PERSON = [
  ...['login_required', 'interaction_required'],
  ...['account_selection_required', 'consent_required'],
] as const;

export function describeSessionsAndPrompts(current: () => Tester): void {
  /** The next request of the same browser, which must be asked to sign in again. */
  async function signInAgain({ browser }: Flow, more: Parameters): Promise<Flow> {
    const request = current().request(more);
    const page = await browser.open(request.url);
    expect(isSignInPage(page)).to.equal(true);
    return await followUp(
      current(),
      browser,
      request,
      await current().answerFrom(browser, request, page),
    );
  }

  /** The next request of the same browser, which must be answered without a page. */
  async function passThrough({ browser }: Flow, more: Parameters): Promise<Flow> {
    const request = current().request(more);
    return await followUp(current(), browser, request, await current().immediate(browser, request));
  }

  it('2.17 prompt=login: the sign-in page again, and a later auth_time', async () => {
    const first = await completeFlow(current());
    await sleep(1100);
    const second = await signInAgain(first, { prompt: 'login' });
    expect(second.idToken['auth_time']).to.be.above(Number(first.idToken['auth_time']));
    expect(second.idToken.sub).to.equal(first.idToken.sub);
  });

  it('2.18 prompt=none, not signed in: an error at the site, no page', async () => {
    const request = current().request({ prompt: 'none', state: 's'.repeat(128) });
    const answer = await current().immediate(current().browser(), request);
    expectError(current(), request, answer, NEEDS_THE_PERSON);
  });

  it('2.19 prompt=none, signed in: the same sub and auth_time at once', async () => {
    const first = await completeFlow(current());
    const second = await passThrough(first, { prompt: 'none' });
    expect(second.idToken).to.include(sameAs(first, 'sub', 'auth_time'));
  });

  it('2.20 max_age=1: after 2 seconds the sign-in page again, and a recent auth_time', async () => {
    const first = await completeFlow(current());
    await sleep(2100);
    const second = await signInAgain(first, { max_age: '1' });
    const { auth_time, iat = 0 } = second.idToken;
    expect(auth_time).to.be.above(Number(first.idToken['auth_time']));
    expect(auth_time).to.be.within(iat - 5, iat);
  });

  it('2.21 max_age=10000: no second page, the same auth_time', async () => {
    const first = await completeFlow(current(), { max_age: '15000' });
    const second = await passThrough(first, { max_age: '10000' });
    expect(first.idToken['auth_time']).to.be.a('number');
    expect(second.idToken).to.include(sameAs(first, 'sub', 'auth_time'));
  });

  it('2.23 id-token-hint with prompt=none: the same sub at once', async () => {
    const first = await completeFlow(current());
    const hint = { prompt: 'none', id_token_hint: first.tokens.id_token };
    expect((await passThrough(first, hint)).idToken).to.include(sameAs(first, 'sub'));
  });

  it('2.27 acr-values: all advertised ones, and the token has one of them', async () => {
    const { idToken } = await completeFlow(current(), { acr_values: ACR_VALUES.join(' ') });
    expect(idToken['acr']).to.be.oneOf([...ACR_VALUES]);
    await completeFlow(current(), { acr_values: '1 2' });
  });
}

const sameAs = ({ idToken }: Flow, ...claims: string[]) =>
  Object.fromEntries(claims.map((claim) => [claim, idToken[claim]]));
