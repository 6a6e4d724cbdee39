/** Lines 2.28–2.38 but 2.30 and 2.35: codes and refresh tokens, and the forms of a request. */
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { UnsecuredJWT } from 'jose';
import type { TokenAnswer } from '../person.ts';
import {
  completeFlow,
  expectCode,
  expectError,
  expectErrorPage,
  expectIdToken,
  expectRandom,
  followUp,
} from './checks.ts';
import type { Tester } from './tester.ts';

/** @param passTime - moves the server's store ahead, as waiting would */
export function describeCodesAndRequests(
  current: () => Tester,
  passTime: (seconds: number) => void,
): void {
  it('2.28 codereuse: refused at once', async () => {
    const { code } = await completeFlow(current());
    expectInvalidGrant(await current().redeem(current().site, code));
  });

  it('2.29 codereuse-30seconds: refused, and the first access token is dead', async () => {
    const { code, tokens } = await completeFlow(current());
    expect((await current().userinfo(tokens.access_token)).status).to.equal(200);
    passTime(30);
    expectInvalidGrant(await current().redeem(current().site, code));
    expect((await current().userinfo(tokens.access_token)).status).to.equal(401);
  });

  it('2.31 ensure-post-request: posted from another site, the same as GET', async () => {
    const { browser } = await completeFlow(current());
    const request = current().request();
    const { origin, pathname, searchParams } = new URL(request.url);
    // As a browser does with SameSite=Lax: the cross-site POST has no cookies, the redirect has.
    const posted = await fetch(`${origin}${pathname}`, {
      ...{ method: 'POST', body: searchParams, redirect: 'manual' },
      headers: { origin: 'https://site.example', 'sec-fetch-site': 'cross-site' },
    });
    expect(posted.status).to.equal(303);
    expect(posted.headers.getSetCookie()).to.deep.equal([]);
    const url = new URL(posted.headers.get('location') ?? '', origin).href;
    const answer = await current().immediate(browser, { ...request, url });
    await followUp(current(), browser, request, answer);
  });

  it('2.32 server-client-secret-post: succeeds', async () => {
    const request = current().request({}, current().other);
    const browser = current().browser();
    await followUp(current(), browser, request, await current().answer(browser, request));
  });

  it('2.33 request-uri-unsigned (not applicable): request_uri_not_supported', async () => {
    const request = current().request({ request_uri: 'https://tested.example/request.jwt' });
    const answer = await current().immediate(current().browser(), request);
    expectError(current(), request, answer, ['request_uri_not_supported']);
  });

  it('2.34 unsigned-request-object (not applicable): request_not_supported', async () => {
    const request = current().request({ request: requestObject(current()) });
    const answer = await current().immediate(current().browser(), request);
    expectError(current(), request, answer, ['request_not_supported']);
  });

  it('2.36 request-object-with-redirect-uri: the bad one outside gets an error page', async () => {
    const redirect_uri = 'https://elsewhere.example/callback';
    const request = current().request({ request: requestObject(current()), redirect_uri });
    expectErrorPage(current(), await current().immediate(current().browser(), request));
  });

  it('2.37 refresh-token: new tokens for the same sign-in, for this client alone', async () => {
    const tester = current();
    const { tokens, idToken, request } = await completeFlow(tester, {
      ...{ scope: 'openid offline_access', prompt: 'consent' },
    });
    const refresh_token = tokens.refresh_token ?? '';
    expectRandom(refresh_token);
    const stolen = { grant_type: 'refresh_token', refresh_token: await refreshTokenOf(tester) };
    expectInvalidGrant(await tester.token(tester.site, stolen));

    await sleep(1100);
    const again = await tester.token(tester.site, { grant_type: 'refresh_token', refresh_token });
    expect(again.status).to.equal(200);
    expect(again.headers.get('cache-control')).to.equal('no-store');
    expect(again.body).to.include({ token_type: 'Bearer' });
    expect(again.body.access_token).not.to.equal(tokens.access_token);
    const renewed = await expectIdToken(tester, request, again.body.id_token ?? '');
    const { iss, sub, aud, auth_time, iat = 0 } = idToken;
    expect(renewed).to.deep.include({ iss, sub, aud, auth_time });
    expect(renewed.iat).to.be.above(iat);
  });

  it('2.38 valid-pkce: S256 challenge and verifier', async () => {
    const code_verifier = randomBytes(32).toString('base64url');
    const code_challenge = createHash('sha256').update(code_verifier).digest('base64url');
    const request = current().request({ code_challenge, code_challenge_method: 'S256' });
    const browser = current().browser();
    const code = expectCode(current(), request, await current().answer(browser, request));
    const { site } = current();
    expect((await current().redeem(site, code, { code_verifier })).status).to.equal(200);
  });
}

/** Of the second client. */
async function refreshTokenOf(tester: Tester): Promise<string> {
  const request = tester.request({ scope: 'openid offline_access' }, tester.other);
  const answer = await tester.answer(tester.browser(), request);
  const { body } = await tester.redeem(tester.other, answer.parameters['code']);
  expectRandom(body.refresh_token ?? '');
  return body.refresh_token ?? '';
}

function expectInvalidGrant({ status, headers, body }: TokenAnswer): void {
  expect(status).to.equal(400);
  expect(headers.get('content-type')).to.match(/^application\/json/);
  expect(body.error).to.equal('invalid_grant');
}

const requestObject = ({ site, server }: Tester) =>
  new UnsecuredJWT({ redirect_uri: site.redirectUri, client_id: site.clientId })
    .setIssuer(site.clientId)
    .setAudience(server.issuer)
    .encode();
