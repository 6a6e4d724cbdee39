/** A person at a browser without scripts, and the site's back end that redeems what they bring. */
import { createHash, randomBytes } from 'node:crypto';
import { CookieBrowser, type BrowserOptions, type Page } from './cookie-browser.ts';
import type { Citizen, Site } from './test-server.ts';

/** The server as a site sees it. */
export interface Reached {
  readonly issuer: string;
  /** How it is reached; the network, unless told otherwise. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** One authorization request of a site, with what it must remember. */
export interface SiteRequest {
  readonly url: string;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** @param more - overrides parameters; `undefined` leaves one out */
export function authorizationRequest(
  { issuer }: Reached,
  site: Site,
  more: Readonly<Record<string, string | undefined>> = {},
): SiteRequest {
  const verifier = randomBytes(32).toString('base64url');
  const state = randomBytes(16).toString('base64url');
  const nonce = randomBytes(16).toString('base64url');
  const parameters: Record<string, string | undefined> = {
    client_id: site.clientId,
    response_type: 'code',
    scope: 'openid profile_basic',
    redirect_uri: site.redirectUri,
    state,
    nonce,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...more,
  };
  const given = Object.entries(parameters).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return { url: `${issuer}/auth?${new URLSearchParams(given).toString()}`, state, nonce, verifier };
}

/** A browser that stops where a site's own pages begin. */
export const personAt = ({ issuer }: Reached, options: BrowserOptions = {}) =>
  new CookieBrowser((url) => url.origin !== new URL(issuer).origin, options);

/** Hidden fields of the page's form that posts to a path ending so. */
export function formOf(page: Page, pathEnd: string): { action: string; csrf: string } {
  const forms = [...page.text.matchAll(/<form[^>]*action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/g)];
  const form = forms.find(([, action = '']) =>
    new URL(action, page.url).pathname.endsWith(pathEnd),
  );
  if (!form) throw new Error(`${page.url} (${page.status}) has no form to …${pathEnd}`);
  const csrf = /name="csrf"[^>]*value="([^"]*)"/.exec(form[2] ?? '')?.[1] ?? '';
  return { action: new URL(form[1] ?? '', page.url).href, csrf };
}

/** Fills in the password page and follows where it leads. */
export async function enterPassword(
  browser: CookieBrowser,
  page: Page,
  { phone, password }: Pick<Citizen, 'phone' | 'password'>,
): Promise<Page> {
  const { action, csrf } = formOf(page, '/password');
  return await browser.submit(action, { csrf, account: phone, password });
}

/** Agrees (or declines) on the consent page and follows where it leads. */
export async function decide(
  browser: CookieBrowser,
  page: Page,
  decision: 'allow' | 'deny' = 'allow',
): Promise<Page> {
  const { action, csrf } = formOf(page, '/consent');
  return await browser.submit(action, { csrf, decision });
}

/** The parameters that the site's callback received. */
export const callbackOf = (page: Page) => Object.fromEntries(new URL(page.url).searchParams);

/** Signs in at a site from the first request to the callback; agrees when asked. */
export async function signInAt(
  browser: CookieBrowser,
  citizen: Citizen,
  request: SiteRequest,
): Promise<Record<string, string>> {
  let page = await browser.open(request.url);
  if (page.text.includes('/password"')) page = await enterPassword(browser, page, citizen);
  if (page.text.includes('/consent"')) page = await decide(browser, page);
  return callbackOf(page);
}

export interface TokenAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>> & {
    readonly access_token?: string;
    readonly refresh_token?: string;
    readonly id_token?: string;
    readonly error?: string;
  };
}

/** POST to an endpoint as the site, authenticated with its secret by HTTP Basic. */
export async function postAsSite(
  { issuer, fetch = globalThis.fetch }: Reached,
  site: Site,
  path: string,
  fields: Readonly<Record<string, string>>,
): Promise<TokenAnswer> {
  const credentials = `${encodeURIComponent(site.clientId)}:${encodeURIComponent(site.secret)}`;
  const response = await fetch(`${issuer}${path}`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
    body: new URLSearchParams(fields),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: (text === '' ? {} : JSON.parse(text)) as TokenAnswer['body'],
  };
}

/** Redeems the code of a callback. */
export const redeem = (
  server: Reached,
  site: Site,
  { verifier }: SiteRequest,
  code: string,
): Promise<TokenAnswer> =>
  postAsSite(server, site, '/token', {
    grant_type: 'authorization_code',
    code,
    redirect_uri: site.redirectUri,
    code_verifier: verifier,
  });

/** Status and claims of the userinfo endpoint. */
export async function userinfo({ issuer, fetch = globalThis.fetch }: Reached, accessToken: string) {
  const response = await fetch(`${issuer}/me`, {
    headers: { authorization: `Bearer ${accessToken}` },
  });
  const body = (await response.json()) as Record<string, unknown>;
  return { status: response.status, body };
}

/** Claims of a JWT, unverified. */
export const claimsOf = (jwt: string) =>
  JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8')) as Record<
    string,
    unknown
  >;
