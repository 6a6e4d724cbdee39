/** A site's requests as raw HTTP, for bursts and for what a well-behaved client would not send. */
import type { RawAnswer, RawRequest } from './raw-http.ts';
import { formRequest, sendRaw } from './raw-http.ts';
import type { SiteRequest } from './person.ts';
import type { Site, TestServer } from './test-server.ts';

type Fields = Readonly<Record<string, string>> | readonly (readonly [string, string])[];

/** Where a server listens, as burst and sendRaw want it. */
export const targetOf = ({ issuer, running }: TestServer, ...morePorts: readonly number[]) => ({
  ports: [running.port, ...morePorts],
  host: new URL(issuer).host,
});

/** `Authorization: Basic …` (RFC 6749 §2.3.1). */
export function basicAuthorization({ clientId, secret }: Pick<Site, 'clientId' | 'secret'>) {
  const pair = `${encodeURIComponent(clientId)}:${encodeURIComponent(secret)}`;
  return ['Authorization', `Basic ${Buffer.from(pair).toString('base64')}`] as const;
}

/** A form to an endpoint, authenticated with the site's secret; fields as pairs may repeat a name. */
export function siteForm(site: Site, target: string, fields: Fields): Omit<RawRequest, 'host'> {
  const { headers, ...form } = formRequest(fields);
  return { target, ...form, headers: [...headers, basicAuthorization(site)] };
}

/** The fields that redeem a code. */
export const codeFields = (site: Site, { verifier }: SiteRequest, code: string) => ({
  grant_type: 'authorization_code',
  code,
  redirect_uri: site.redirectUri,
  code_verifier: verifier,
});

/** Sends a raw request to the server, with its own Host unless told otherwise. */
export const send = (
  server: TestServer,
  request: Omit<RawRequest, 'host'> & { readonly host?: string },
): Promise<RawAnswer> =>
  sendRaw(server.running.port, { host: new URL(server.issuer).host, ...request });

/** The JSON of an answer. */
export const jsonOf = (answer: RawAnswer) => JSON.parse(answer.body) as Record<string, unknown>;

/** The only value of a header; undefined when it is missing or repeated. */
export function headerOf({ headers }: RawAnswer, name: string): string | undefined {
  const values = headers.get(name) ?? [];
  return values.length === 1 ? values[0] : undefined;
}
