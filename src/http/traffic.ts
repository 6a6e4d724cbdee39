/**
 * Kinds of requests, told by their path before anything looks at them: the pattern that metrics and
 * traces name them by, and how urgent they are when there is too much of everything.
 */

/**
 * `always`: cheap, and every site depends on it. `token`: a site's program waits for it in the middle
 * of a sign-in that was paid for. `page`: a person can press again.
 */
export type Urgency = 'always' | 'token' | 'page';

export interface RequestKind {
  /** Bounded in number, without anything of the request: `/interaction/:uid/:step`. */
  readonly route: string;
  readonly urgency: Urgency;
}

const kind = (route: string, urgency: Urgency): RequestKind => ({ route, urgency });
const listed = (urgency: Urgency, ...paths: readonly string[]) =>
  paths.map((path) => [path, kind(path, urgency)] as const);

const EXACT: ReadonlyMap<string, RequestKind> = new Map([
  ...listed('always', '/jwks', '/.well-known/openid-configuration'),
  ...listed('always', '/.well-known/oauth-authorization-server'),
  ...listed('token', '/token', '/token/introspection', '/token/revocation', '/me', '/request'),
  ...listed('page', '/', '/auth', '/session/end', '/session/end/confirm', '/session/end/success'),
  ...listed('page', '/help', '/agreement', '/privacy', '/signed-out', '/signed-in', '/preferences'),
  ...listed('page', '/account', '/consent', '/device'),
]);

const PATTERNS: readonly (readonly [RegExp, RequestKind])[] = [
  [/^\/assets\//, kind('/assets/*', 'always')],
  [/^\/auth\/[^/]+$/, kind('/auth/:uid', 'page')],
  [/^\/interaction\/[^/]+$/, kind('/interaction/:uid', 'page')],
  [/^\/interaction\/[^/]+\/[^/]+$/, kind('/interaction/:uid/:step', 'page')],
  [/^\/account\//, kind('/account/*', 'page')],
  [/^\/cas\//, kind('/cas/*', 'page')],
];

const OTHER = kind('other', 'page');

/** @param url - of the request line, with its query */
export function requestKind(url: string): RequestKind {
  const end = url.indexOf('?');
  const path = end < 0 ? url : url.slice(0, end);
  return EXACT.get(path) ?? PATTERNS.find(([pattern]) => pattern.test(path))?.[1] ?? OTHER;
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'POST', 'HEAD', 'OPTIONS']);
/** A client may write any word. */
export const methodLabel = (method = ''): string => (METHODS.has(method) ? method : 'other');
