/**
 * Where the forms of a page may lead to. Chromium and Safari apply CSP `form-action` to every
 * redirect that follows a POST: to the site's callback, and to wherever the callback sends the
 * person on. A target that is missing leaves them on our page without a word.
 */
import type { Context } from 'koa';
import type { Client } from 'oidc-provider';
import { allowFormTargets } from '#http/security-headers.ts';

/** CSP host sources have no IPv6; a native app's loopback listener is then any http (RFC 8252 §7.3). */
const IPV6_LOOPBACK = 'http://[::1]';

/**
 * Lets this page's forms end at a site: at the URI of this request, at its other registered
 * addresses, and at the `onward_origins` that its registration names.
 *
 * @param uri - a redirect URI that was checked against the registration
 */
export function allowSiteAsTarget(ctx: Context, client: Client | undefined, uri: string): void {
  const onward = client?.['onward_origins'];
  const start = client?.['start_uri'];
  const registered = [
    ...(client?.redirectUris ?? []),
    ...(client?.postLogoutRedirectUris ?? []),
    ...(client?.clientUri === undefined ? [] : [client.clientUri]),
    ...(typeof start === 'string' ? [start] : []),
  ];
  const targets = [uri, ...registered].flatMap(targetOf);
  const named = Array.isArray(onward) ? (onward as string[]) : [];
  allowFormTargets(ctx, [...new Set([...targets, ...named])]);
}

/** An origin, or for a custom scheme the scheme. */
function targetOf(uri: string): string[] {
  const parsed = URL.parse(uri);
  if (!parsed) return [];
  if (parsed.origin === 'null') return [parsed.protocol];
  return [parsed.origin.startsWith(IPV6_LOOPBACK) ? 'http:' : parsed.origin];
}
