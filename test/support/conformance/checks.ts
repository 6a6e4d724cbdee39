/** What holds for every line of a code flow ("C" in the document), checked as the suite does. */
import { expect } from 'chai';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose';
import type { CookieBrowser } from '../cookie-browser.ts';
import type { TokenAnswer } from '../person.ts';
import type { Answer, Parameters, Request, Tester } from './tester.ts';

export interface Flow {
  readonly browser: CookieBrowser;
  readonly request: Request;
  readonly code: string;
  readonly tokens: TokenAnswer['body'];
  readonly idToken: JWTPayload & Readonly<Record<string, unknown>>;
  readonly userinfo: Readonly<Record<string, unknown>>;
}

/** A whole sign-in, with every check of C. */
export async function completeFlow(
  tester: Tester,
  more: Parameters = {},
  browser = tester.browser(),
  site = tester.site,
): Promise<Flow> {
  const request = tester.request(more, site);
  return await followUp(tester, browser, request, await tester.answer(browser, request));
}

/** The same from the answer on, for lines that reach it in their own way. */
export async function followUp(
  tester: Tester,
  browser: CookieBrowser,
  request: Request,
  answer: Answer,
): Promise<Flow> {
  const code = expectCode(tester, request, answer);
  const redeemed = await tester.redeem(request.site, code);
  const tokens = expectTokens(redeemed);
  const idToken = await expectIdToken(tester, request, tokens.id_token ?? '');
  const response = await tester.userinfo(tokens.access_token);
  expect(response.status).to.equal(200);
  const userinfo = (await response.json()) as Record<string, unknown>;
  expect(userinfo['sub']).to.equal(idToken.sub);
  return { browser, request, code, tokens, idToken, userinfo };
}

/** The answer is a success for this request, where it belongs; returns the code. */
export function expectCode({ server, mode }: Tester, request: Request, answer: Answer): string {
  const { code = '', state, iss, ...rest } = answer.parameters;
  expect({ state, iss }).to.deep.equal({ state: request.state, iss: server.issuer });
  expect(rest).to.deep.equal(mode === 'query' ? { kept: 'yes' } : {});
  expect(answer.url.hash).to.equal('');
  expect(answer.url.searchParams.get('kept')).to.equal('yes');
  expectRandom(code);
  return code;
}

/** The answer is one of these errors for this request, and nothing else (RFC 6749 §4.1.2.1). */
export function expectError(
  { server, mode }: Tester,
  request: Request,
  answer: Answer,
  errors: readonly string[],
): void {
  const { error, error_description = '', state, iss, ...rest } = answer.parameters;
  expect(error).to.be.oneOf(errors);
  expect({ state, iss }).to.deep.equal({ state: request.state, iss: server.issuer });
  expect(rest).to.deep.equal(mode === 'query' ? { kept: 'yes' } : {});
  expect(error_description).to.match(/^[\x20\x21\x23-\x5b\x5d-\x7e]*$/);
}

/** The browser stayed with us and was shown an error: nothing went to any site. */
export function expectErrorPage({ server }: Tester, answer: Answer): void {
  expect(answer.url.origin).to.equal(new URL(server.issuer).origin);
  expect(answer.page.status).to.be.within(400, 499);
  expect(answer.parameters).to.deep.equal({});
  expect(answer.page.text).to.include('role="alert"');
}

function expectTokens({ status, headers, body }: TokenAnswer): TokenAnswer['body'] {
  expect({ status, error: body.error }).to.deep.equal({ status: 200, error: undefined });
  expect(headers.get('content-type')).to.match(/^application\/json/);
  expect(body['token_type']).to.equal('Bearer');
  expect(body['expires_in']).to.be.a('number').above(0);
  expect(body.access_token).to.match(/^[\x20-\x7e]+$/);
  return body;
}

const FIFTY_YEARS = 50 * 365 * 86_400;

export async function expectIdToken(
  { server }: Tester,
  { site, nonce }: Pick<Request, 'site' | 'nonce'>,
  jwt: string,
): Promise<Flow['idToken']> {
  const keys = (await (await fetch(`${server.issuer}/jwks`)).json()) as JSONWebKeySet;
  const { payload, protectedHeader } = await jwtVerify(jwt, createLocalJWKSet(keys), {
    ...{ issuer: server.issuer, audience: site.clientId, algorithms: ['RS256'] },
    requiredClaims: ['exp', 'iat', 'sub'],
  });
  expect(keys.keys.map(({ kid }) => kid)).to.include(protectedHeader.kid);
  const now = Math.ceil(performance.timeOrigin / 1000 + performance.now() / 1000);
  expect(payload.exp).to.be.within(now, now + FIFTY_YEARS);
  expect(payload.iat).to.be.within(now - 60, now);
  expect(payload['nonce']).to.equal(nonce);
  expect(payload.sub).to.be.a('string').that.is.not.empty;
  expect(payload['auth_time']).to.be.within(now - 600, now);
  expect(payload['acr']).to.be.a('string').that.is.not.empty;
  // Absent: a code flow's hashes are optional, and the library has left them out.
  expect(payload).not.to.have.any.keys('at_hash', 'c_hash');
  return payload;
}

/** At least 128 bits long, with at least 96 bits of measured entropy, of RFC 6749's characters. */
export function expectRandom(text: string): void {
  expect(text).to.match(/^[\x20-\x7e]+$/);
  expect(text.length * 8).to.be.at.least(128);
  expect(shannonBits(text)).to.be.at.least(96);
}

function shannonBits(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  const perCharacter = [...counts.values()].reduce((sum, count) => {
    const share = count / text.length;
    return sum - share * Math.log2(share);
  }, 0);
  return perCharacter * text.length;
}
