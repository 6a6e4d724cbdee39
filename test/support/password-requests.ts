/** Submitted password forms as raw requests, for bursts and for fields that no browser sends. */
import type { CookieBrowser, Page } from './cookie-browser.ts';
import { authorizationRequest, formOf, personAt } from './person.ts';
import { formRequest, type RawRequest } from './raw-http.ts';
import type { Site, TestServer } from './test-server.ts';

type Fields = Readonly<Record<string, string>> | readonly (readonly [string, string])[];

/** A browser that has the password page of a sign-in open. */
export interface OpenSignIn {
  readonly browser: CookieBrowser;
  readonly page: Page;
  /** The page's form with these fields; `csrf` is added. */
  readonly request: (fields: Fields) => Omit<RawRequest, 'host'>;
}

/** @param browser - one that was here before; a stranger when absent */
export async function openSignIn(
  server: TestServer,
  site: Site,
  browser: CookieBrowser = personAt(server),
): Promise<OpenSignIn> {
  const page = await browser.open(authorizationRequest(server, site, { prompt: 'login' }).url);
  const { action, csrf } = formOf(page, '/password');
  const cookie = cookieHeader(browser, action);
  return {
    browser,
    page,
    request: (fields) => {
      const pairs = Array.isArray(fields) ? (fields as [string, string][]) : Object.entries(fields);
      const { headers, ...rest } = formRequest([['csrf', csrf], ...pairs]);
      const sent = [...headers, ['Cookie', cookie], ['Accept', 'text/html']] as const;
      return { ...rest, headers: sent, target: new URL(action).pathname };
    },
  };
}

/** The browser's cookies for a URL, as one header. */
export const cookieHeader = (browser: CookieBrowser, url: string): string =>
  [...browser.cookies(url)].map(([name, value]) => `${name}=${value}`).join('; ');

/** Audit events of an account in order: name and details. */
export async function eventsOf({ foundations }: TestServer, accountId: string) {
  return await foundations
    .db<{ event: string; details: Record<string, unknown>; account_id: string; seq: number }>(
      'audit_events',
    )
    .where({ account_id: accountId })
    .orderBy('seq')
    .select('event', 'details');
}
