/**
 * Connection strings that name several servers, as libpq has them and node-postgres does not:
 * `postgres://user@a:5432,b/db?target_session_attrs=read-write`.
 */

/** Which servers will do: `read-write` only one that takes writes now, not a standby. */
export type SessionAttributes = 'any' | 'read-write';

export interface PostgresAddresses {
  /** One connection string per server, for node-postgres. */
  readonly servers: readonly string[];
  /** What the connection string asks for; undefined when it does not say. */
  readonly attributes: SessionAttributes | undefined;
}

const PARTS = /^(?<before>[a-z]+:\/\/(?:[^@/]*@)?)(?<hosts>[^/?]*)(?<path>[^?]*)(?<query>\?.*)?$/i;
const ATTRIBUTES: ReadonlyMap<string, SessionAttributes> = new Map([
  ['any', 'any'],
  ['read-write', 'read-write'],
  ['primary', 'read-write'],
]);

/**
 * @throws Error without the string, which may hold a password, when it has no such form or asks for
 *   a standby
 */
export function parsePostgresUrl(url: string): PostgresAddresses {
  const { before = '', hosts = '', path = '', query = '' } = PARTS.exec(url)?.groups ?? {};
  // A socket's path, or what only node-postgres understands.
  if (before === '') return { servers: [url], attributes: undefined };
  const parameters = new URLSearchParams(query);
  const wanted = parameters.get('target_session_attrs');
  const attributes = wanted === null ? undefined : ATTRIBUTES.get(wanted);
  if (wanted !== null && attributes === undefined) {
    throw new Error('DATABASE_URL: target_session_attrs must be any, primary or read-write.');
  }
  parameters.delete('target_session_attrs');
  const rest = parameters.size > 0 ? `${path}?${parameters.toString()}` : path;
  return { servers: hosts.split(',').map((host) => `${before}${host}${rest}`), attributes };
}
