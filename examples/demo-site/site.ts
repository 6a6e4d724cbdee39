/** The routes of the site. Each is a few lines: what a browser asks, what it gets. */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Html } from './html.ts';
import { LogoutTokenVerifier } from './logout-token.ts';
import type { SiteContext } from './layout.ts';
import { homePage, landingPage, logoutPage, messagePage } from './pages.ts';
import { LOGIN_EXPIRED, loginFailure, REFUSED, SIGNED_OUT, UNAVAILABLE } from './messages.ts';
import { LoginRefused, RelyingParty } from './relying-party.ts';
import { Sessions } from './sessions.ts';

const STYLES = readFileSync(new URL('site.css', import.meta.url));
const MAX_BODY_CHARACTERS = 64 * 1024;

interface Visit {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
}
type Route = (visit: Visit) => Promise<void> | void;

export function createDemoSite(context: SiteContext): RequestListener {
  const site = new DemoSite(context);
  return (request, response) => {
    void site.answer(request, response);
  };
}

class DemoSite {
  readonly #context: SiteContext;
  readonly #relyingParty: RelyingParty;
  readonly #sessions: Sessions;
  readonly #logoutTokens = new LogoutTokenVerifier();

  readonly #routes: Readonly<Record<string, Route>> = {
    'GET /': (visit) => {
      this.#home(visit);
    },
    'GET /login': (visit) => this.#login(visit),
    'GET /callback': (visit) => this.#callback(visit),
    'POST /renew': (visit) => this.#renew(visit),
    'GET /logout': ({ response }) => {
      this.#page(response, 200, logoutPage(this.#context));
    },
    'POST /logout': (visit) => this.#logout(visit),
    'GET /signed-out': ({ response }) => {
      this.#page(response, 200, messagePage(this.#context, SIGNED_OUT));
    },
    'POST /backchannel-logout': (visit) => this.#backchannelLogout(visit),
    'GET /site.css': ({ response }) => {
      response.writeHead(200, { 'content-type': 'text/css; charset=utf-8' }).end(STYLES);
    },
  };

  constructor(context: SiteContext) {
    this.#context = context;
    this.#relyingParty = new RelyingParty(context.site, context.issuer);
    this.#sessions = new Sessions(context.site.clientId, context.site.homeUri);
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.#context.site.homeUri);
    this.#setHeaders(response);
    try {
      const route = this.#routes[`${request.method ?? 'GET'} ${url.pathname}`];
      if (route) await route({ request, response, url });
      else this.#page(response, 404, messagePage(this.#context, REFUSED.notFound));
    } catch (error) {
      // Discovery, tokens and userinfo are fetched over the network: any of it may be down.
      console.error(`${this.#context.site.clientId}: ${url.pathname}: ${String(error)}`);
      if (!response.headersSent) {
        this.#page(response, 503, messagePage(this.#context, UNAVAILABLE));
      }
    }
  }

  #home({ request, response }: Visit): void {
    const person = this.#sessions.find(request)?.person;
    const page = person ? homePage(this.#context, person) : landingPage(this.#context);
    this.#page(response, 200, page);
  }

  /** Also the initiate_login_uri: `iss` says who sends the person here (OIDC Core §4). */
  async #login({ request, response, url }: Visit): Promise<void> {
    const issuer = url.searchParams.get('iss');
    if (issuer !== null && issuer !== this.#context.issuer) {
      this.#page(response, 400, messagePage(this.#context, REFUSED.unknownIssuer));
      return;
    }
    const hint = url.searchParams.get('login_hint');
    const login = await this.#relyingParty.beginLogin(hint === null ? {} : { login_hint: hint });
    this.#sessions.rememberLogin(request, response, login.checks);
    this.#redirect(response, login.url.href);
  }

  async #callback({ request, response, url }: Visit): Promise<void> {
    const session = this.#sessions.find(request);
    const checks = this.#sessions.takeLogin(session, url.searchParams.get('state'));
    if (!checks) {
      // The back button after a finished login is no error.
      if (session?.person) this.#redirect(response, '/');
      else this.#page(response, 400, messagePage(this.#context, LOGIN_EXPIRED));
      return;
    }
    try {
      const person = await this.#relyingParty.finishLogin(url.search, checks);
      this.#sessions.signIn(session, response, person);
      this.#redirect(response, '/');
    } catch (error) {
      if (!(error instanceof LoginRefused)) throw error;
      this.#page(response, 400, messagePage(this.#context, loginFailure(error.code)));
    }
  }

  async #renew({ request, response }: Visit): Promise<void> {
    const session = this.#sessions.find(request);
    const refreshToken = session?.person?.refreshToken;
    if (session?.person && refreshToken !== undefined) {
      try {
        session.person = await this.#relyingParty.renew({ ...session.person, refreshToken });
      } catch (error) {
        if (!(error instanceof LoginRefused)) throw error;
        // invalid_grant: the consent was withdrawn or the account closed. The person is out here too.
        this.#sessions.end(session, response);
      }
    }
    this.#redirect(response, '/');
  }

  /** First here, then there: whatever happens on the way, this site has forgotten the person. */
  async #logout({ request, response }: Visit): Promise<void> {
    const session = this.#sessions.find(request);
    if (!session?.person) {
      this.#redirect(response, '/');
      return;
    }
    const { idToken } = session.person;
    this.#sessions.end(session, response);
    const target = await this.#relyingParty.logoutUrl(idToken);
    this.#redirect(response, target.href);
  }

  /** The identity server says that a session has ended elsewhere; no browser is involved. */
  async #backchannelLogout({ request, response }: Visit): Promise<void> {
    const form = new URLSearchParams(await readBody(request));
    const server = (await this.#relyingParty.discover()).serverMetadata();
    const verdict = await this.#logoutTokens.verify(form.get('logout_token') ?? '', {
      issuer: server.issuer,
      jwksUri: server.jwks_uri ?? '',
      clientId: this.#context.site.clientId,
      algorithm: this.#context.site.idTokenAlgorithm,
    });
    if (verdict.ok) {
      this.#sessions.endByOrder(verdict.order);
      response.writeHead(200).end();
    } else {
      const status = verdict.reason === 'invalid' ? 400 : 503;
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: 'invalid_request' }));
    }
  }

  #setHeaders(response: ServerResponse): void {
    const { issuer } = this.#context;
    response.setHeader(
      'content-security-policy',
      // The logout form is redirected to the issuer, which browsers hold against form-action.
      `default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self' ${issuer}; ` +
        `base-uri 'none'; frame-ancestors 'none'`,
    );
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('referrer-policy', 'same-origin');
    response.setHeader('cache-control', 'no-store');
  }

  #page(response: ServerResponse, status: number, page: Html): void {
    response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' });
    response.end(page.toString());
  }

  #redirect(response: ServerResponse, location: string): void {
    response.writeHead(303, { location }).end();
  }
}

/** What goes over the limit is not kept; cut off, it verifies as nothing. */
async function readBody(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8') as AsyncIterable<string>) {
    if (body.length < MAX_BODY_CHARACTERS) body += chunk;
  }
  return body;
}
