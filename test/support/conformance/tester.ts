/**
 * The side of a conformance tester: sites registered as its plan says, requests without PKCE, and
 * the answers read from the query or from the posted form. The lines of shared/CONFORMANCE.md that
 * both plans have are in this folder; the numbers in their titles are that document's.
 */
import { randomBytes } from 'node:crypto';
import type { CookieBrowser, Page } from '../cookie-browser.ts';
import { decide, enterPassword, personAt, postAsSite, type TokenAnswer } from '../person.ts';
import { aCitizen, aSite, type Citizen, type Site, type TestServer } from '../test-server.ts';

export type Mode = 'query' | 'form_post';
export type Parameters = Readonly<Record<string, string | undefined>>;

export interface Request {
  readonly site: Site;
  readonly url: string;
  readonly state: string;
  readonly nonce: string | undefined;
}

/** Where the browser ended: at the site with these parameters, or on a page of ours. */
export interface Answer {
  readonly page: Page;
  readonly url: URL;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Claims for every scope, both secret methods, no PKCE, and a query in the redirect URI. */
const PLAN = {
  government: false,
  require_pkce: false,
  scope: 'openid profile email phone address offline_access',
  id_token_signed_response_alg: undefined,
};

export class Tester {
  readonly server: TestServer;
  readonly mode: Mode;
  readonly citizen: Citizen;
  /** client_secret_basic. */
  readonly site: Site;
  /** client_secret_post. */
  readonly other: Site;

  private constructor(parts: Pick<Tester, 'server' | 'mode' | 'citizen' | 'site' | 'other'>) {
    this.server = parts.server;
    this.mode = parts.mode;
    this.citizen = parts.citizen;
    this.site = parts.site;
    this.other = parts.other;
  }

  static async register(server: TestServer, mode: Mode): Promise<Tester> {
    const site = await aTestedSite(server);
    const other = await aTestedSite(server, { token_endpoint_auth_method: 'client_secret_post' });
    return new Tester({ server, mode, citizen: await aCitizen(server), site, other });
  }

  browser(): CookieBrowser {
    return personAt(this.server);
  }

  /** @param more - overrides parameters; `undefined` leaves one out */
  request(more: Parameters = {}, site = this.site): Request {
    const state = more['state'] ?? randomBytes(24).toString('base64url');
    const nonce = 'nonce' in more ? more['nonce'] : randomBytes(16).toString('base64url');
    const parameters = {
      client_id: site.clientId,
      redirect_uri: site.redirectUri,
      scope: 'openid',
      response_type: 'code',
      ...(this.mode === 'form_post' && { response_mode: 'form_post' }),
      ...more,
      ...{ state, nonce },
    };
    return { site, url: `${this.server.issuer}/auth?${encode(parameters)}`, state, nonce };
  }

  /** Opens the request; signs in and agrees where a page asks for it. */
  async answer(browser: CookieBrowser, request: Request): Promise<Answer> {
    return await this.answerFrom(browser, request, await browser.open(request.url));
  }

  /** From the page that the request led to. */
  async answerFrom(browser: CookieBrowser, request: Request, first: Page): Promise<Answer> {
    let page = first;
    if (isSignInPage(page)) page = await enterPassword(browser, page, this.citizen);
    if (page.text.includes('/consent"')) page = await decide(browser, page);
    return this.#read(page, request.site);
  }

  /** Opens the request and fills in nothing. */
  async immediate(browser: CookieBrowser, request: Request): Promise<Answer> {
    return this.#read(await browser.open(request.url), request.site);
  }

  redeem(site: Site, code = '', more: Record<string, string> = {}): Promise<TokenAnswer> {
    const { redirectUri: redirect_uri } = site;
    return this.token(site, { grant_type: 'authorization_code', code, redirect_uri, ...more });
  }

  /** POST to the token endpoint by the site's own method. */
  async token(site: Site, fields: Readonly<Record<string, string>>): Promise<TokenAnswer> {
    if (site !== this.other) return await postAsSite(this.server, site, '/token', fields);
    const response = await fetch(`${this.server.issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        ...{ client_id: site.clientId, client_secret: site.secret },
        ...fields,
      }),
    });
    const body = (await response.json()) as TokenAnswer['body'];
    return { status: response.status, headers: response.headers, body };
  }

  userinfo(token = '', init: RequestInit = {}): Promise<Response> {
    const headers = { authorization: `Bearer ${token}` };
    return fetch(`${this.server.issuer}/me`, { headers, ...init });
  }

  #read(page: Page, { redirectUri }: Site): Answer {
    if (this.mode === 'query') {
      const url = new URL(page.url);
      const isThere = url.href.startsWith(redirectUri);
      return { page, url, parameters: isThere ? Object.fromEntries(url.searchParams) : {} };
    }
    const form = postedForm(page);
    const isThere = form?.action === redirectUri;
    return { page, url: new URL(form?.action ?? page.url), parameters: isThere ? form.fields : {} };
  }
}

let sites = 0;
export async function aTestedSite(
  server: TestServer,
  more: Readonly<Record<string, unknown>> = {},
): Promise<Site> {
  sites += 1;
  const client_id = `tested-${sites}`;
  const uris = {
    redirect_uris: [`https://${client_id}.example/callback?kept=yes`],
    post_logout_redirect_uris: [`https://${client_id}.example/bye?kept=yes`],
  };
  return await aSite(server, { ...PLAN, client_id, ...uris, ...more });
}

export const isSignInPage = (page: Page) => page.text.includes('/password"');

/** The self-submitting form of a `form_post` answer. */
export function postedForm(page: Pick<Page, 'text'>) {
  const form = /<form method="post" action="([^"]*)">([\s\S]*?)<\/form>/.exec(page.text);
  if (!form) return undefined;
  const fields = [...(form[2] ?? '').matchAll(/name="([^"]*)" value="([^"]*)"/g)].map(
    ([, name = '', value = '']) => [name, unescape(value)],
  );
  const action = unescape(form[1] ?? '');
  return { action, fields: Object.fromEntries(fields) as Record<string, string> };
}

const ENTITIES: Readonly<Record<string, string>> = {
  ...{ '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" },
};
const unescape = (text: string) => text.replace(/&[a-z#0-9]+;/g, (name) => ENTITIES[name] ?? name);

const encode = (parameters: Parameters) =>
  new URLSearchParams(
    Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined),
  ).toString();
