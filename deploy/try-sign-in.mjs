// Signs in once, as a browser without scripts does, and exits 0 when the account page is reached:
//
//   ISSUER=https://login.example.gov.cn ACCOUNT=… PASSWORD_FILE=… node deploy/try-sign-in.mjs
//
// For drills and for watching from outside. Use a synthetic account. Needs nothing but Node.
import { readFileSync } from 'node:fs';

const { ISSUER, ACCOUNT, PASSWORD_FILE } = process.env;
if (!ISSUER || !ACCOUNT || !PASSWORD_FILE) throw new Error('set ISSUER, ACCOUNT, PASSWORD_FILE');
const password = readFileSync(PASSWORD_FILE, 'utf8').replace(/\r?\n$/, '');
const MAX_HOPS = 10;
const cookies = new Map();

/** Follows redirects by hand, because fetch keeps no cookies. */
async function go(url, body, hops = 0) {
  if (hops > MAX_HOPS) throw new Error(`too many redirects, the last to ${url}`);
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const response = await fetch(url, {
    ...(body && { method: 'POST', body }),
    redirect: 'manual',
    headers: { cookie, accept: 'text/html' },
    signal: AbortSignal.timeout(15_000),
  });
  for (const line of response.headers.getSetCookie()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    cookies.set(name, value);
  }
  const location = response.headers.get('location');
  const text = await response.text();
  return location ? go(new URL(location, url), undefined, hops + 1) : { url, response, text };
}

const page = await go(new URL('/account', ISSUER));
const form = /<form[^>]*action="([^"]*\/password)"[^>]*>([\s\S]*?)<\/form>/.exec(page.text);
if (!form) throw new Error(`no sign-in form at ${page.url} (${page.response.status})`);
const csrf = /name="csrf"[^>]*value="([^"]*)"/.exec(form[2])?.[1] ?? '';
const fields = new URLSearchParams({ csrf, account: ACCOUNT, password });
const end = await go(new URL(form[1], page.url), fields);
if (end.response.status !== 200 || new URL(end.url).pathname !== '/account') {
  console.error(`the sign-in ended at ${new URL(end.url).pathname} (${end.response.status})`);
  process.exitCode = 1;
}
