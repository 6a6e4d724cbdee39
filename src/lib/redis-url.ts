/**
 * The forms of `redisUrl`: `redis://` one server, `redis+sentinel://` a master that Sentinels name,
 * `redis+cluster://` a Redis Cluster; with `rediss` instead of `redis` over TLS. User and password
 * are percent-encoded, an IPv6 address stands in brackets.
 *
 *     redis://[[user]:password@]host[:6379][/database]
 *     redis+sentinel://[[user]:password@]host1[:26379],host2…/master-name[/database]
 *     redis+cluster://[[user]:password@]host1[:6379],host2…
 */

export interface RedisHost {
  readonly host: string;
  readonly port: number;
}

export interface RedisTarget {
  readonly kind: 'single' | 'sentinel' | 'cluster';
  /** At least one: the server, the Sentinels, or some nodes of the Cluster. */
  readonly hosts: readonly [RedisHost, ...RedisHost[]];
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  /** Of the data servers; 0 in a Cluster. */
  readonly database: number;
  /** Name of the master that the Sentinels watch. */
  readonly masterName?: string;
}

const URL_FORM = /^redis(s?)(?:\+(sentinel|cluster))?:\/\/(?:([^@/]*)@)?([^/?#@]+)(?:\/([^?#]*))?$/;
const HOST_FORM = /^(\[[\da-f:.]+\]|[^:[\]\s]+)(?::(\d{1,5}))?$/i;

/** @returns undefined for what is in none of the forms */
export function parseRedisUrl(url: string): RedisTarget | undefined {
  const [, s, kind = 'single', user = '', hostList = '', path = ''] = URL_FORM.exec(url) ?? [];
  if (s === undefined) return undefined;
  const defaultPort = kind === 'sentinel' ? 26379 : 6379;
  const hosts = hostList.split(',').map((host) => parseHost(host, defaultPort));
  const [first, ...others] = hosts.filter((host) => host !== undefined);
  const place = parsePath(kind as RedisTarget['kind'], path);
  const credentials = parseCredentials(user);
  if (!first || others.length + 1 !== hosts.length || !place || !credentials) return undefined;
  if (kind === 'single' && others.length > 0) return undefined;
  return { ...place, ...credentials, tls: s === 's', hosts: [first, ...others] };
}

function parseHost(text: string, defaultPort: number): RedisHost | undefined {
  const [, host, port = String(defaultPort)] = HOST_FORM.exec(text) ?? [];
  if (host === undefined || Number(port) > 65535) return undefined;
  return { host: host.replaceAll(/[[\]]/g, ''), port: Number(port) };
}

function parsePath(kind: RedisTarget['kind'], path: string) {
  const parts = path === '' ? [] : path.split('/');
  const masterName = kind === 'sentinel' ? parts.shift() : undefined;
  const [database = '0', ...more] = parts;
  if (more.length > 0 || !/^\d{1,5}$/.test(database)) return undefined;
  if (kind === 'sentinel') {
    return masterName ? { kind, masterName, database: Number(database) } : undefined;
  }
  if (kind === 'cluster' && parts.length > 0) return undefined;
  return { kind, database: Number(database) };
}

function parseCredentials(text: string): { username?: string; password?: string } | undefined {
  const colon = text.indexOf(':');
  try {
    const username = decodeURIComponent(colon < 0 ? text : text.slice(0, colon));
    const password = colon < 0 ? '' : decodeURIComponent(text.slice(colon + 1));
    return { ...(username !== '' && { username }), ...(password !== '' && { password }) };
  } catch {
    return undefined;
  }
}
