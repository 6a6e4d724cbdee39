/** What people of the load do in their browsers. */
import { authorizationRequest, callbackOf, decide, enterPassword } from '../../support/person.ts';
import { formOf, personAt } from '../../support/person.ts';
import type { CookieBrowser, Page } from '../../support/cookie-browser.ts';
import { ISSUER } from '../cluster/cluster.ts';
import type { FaultCitizen, SiteName } from '../cluster/service.ts';
import type { LiveSession, SingleUse } from './journal.ts';
import type { Sites } from './sites.ts';
import type { Wire } from './wire.ts';

const SERVER = { issuer: ISSUER };

/** How far the person came on the way to a site. */
export type Arrival =
  | { readonly at: 'site'; readonly code: SingleUse; readonly agreed: boolean }
  | { readonly at: 'sign-in' | 'expired' };

export class People {
  readonly #wire: Wire;
  readonly #sites: Sites;

  constructor(wire: Wire, sites: Sites) {
    this.#wire = wire;
    this.#sites = sites;
  }

  /** A new browser; its address is its own unless one is given. */
  newBrowser(address?: string): CookieBrowser {
    const send = this.#wire.open(address);
    return personAt(SERVER, { fetch: (url, init) => send(url, init) });
  }

  /** From the site's button to its callback; with a citizen the password is entered when asked for. */
  async visit(browser: CookieBrowser, site: SiteName, citizen?: FaultCitizen): Promise<Arrival> {
    const request = authorizationRequest(SERVER, this.#sites.named(site));
    let page = await browser.open(request.url);
    let agreed = false;
    if (isSignInPage(page)) {
      if (!citizen) return { at: 'sign-in' };
      page = await enterPassword(browser, page, citizen);
    }
    if (isConsentPage(page)) {
      page = await decide(browser, page);
      agreed = true;
    }
    const { code, error } = callbackOf(page);
    if (code !== undefined) {
      return { at: 'site', code: { kind: 'code', site, value: code, request }, agreed };
    }
    // Asked for the same again: what was answered is lost.
    const isAskedAgain = isSignInPage(page) || isConsentPage(page);
    if (page.status === 400 || isAskedAgain) return { at: 'expired' };
    throw new Error(`led to ${error ?? `a page with ${page.status}`}, not to ${site}`);
  }

  /** What the site hears that asks without a page: `code`, or the error. */
  async answerWithoutPage(browser: CookieBrowser): Promise<string> {
    const site = this.#sites.named('portal');
    const { url } = authorizationRequest(SERVER, site, { prompt: 'none' });
    const page = await browser.open(url);
    const { code, error } = callbackOf(page);
    return code === undefined ? (error ?? `a page with ${page.status}`) : 'code';
  }

  /** @returns whether the server says that it is done */
  async signOut({ browser, visits }: LiveSession): Promise<boolean> {
    const [hint] = [...visits.values()].map(({ idToken }) => idToken);
    const query = hint === undefined ? '' : `?id_token_hint=${hint}`;
    const page = await browser.open(`${ISSUER}/session/end${query}`);
    const { action } = formOf(page, '/session/end/confirm');
    const xsrf = /name="xsrf" value="([^"]*)"/.exec(page.text)?.[1] ?? '';
    const done = await browser.submit(action, { xsrf, logout: 'yes' });
    return done.status < 400;
  }
}

const isSignInPage = ({ status, text }: Page) => status === 200 && text.includes('/password"');
const isConsentPage = ({ status, text }: Page) => status === 200 && text.includes('/consent"');
