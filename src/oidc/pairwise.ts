/**
 * The subject identifier that a site sees (OpenID Connect Core §8.1): one per person and sector,
 * where the sector is the department that answers for the site, not its host name. Two sites of one
 * department know a person by the same `sub`, two departments cannot compare theirs.
 */
import { createHmac } from 'node:crypto';
import type { Client } from 'oidc-provider';
import type { PurposeKeys } from '#crypto/key-ring.ts';

/** The department's code, or the host of the redirect URIs when the registration names none. */
export function sectorOf(client: Client): string {
  const department = client['department'];
  if (typeof department === 'string') return `department:${department}`;
  const [first] = client.redirectUris ?? [];
  return first === undefined ? `client:${client.clientId}` : `host:${new URL(first).host}`;
}

/**
 * HMAC-SHA-256 over sector and account. The oldest key of the ring is used, and stays: another key
 * would make every person a stranger everywhere.
 */
export function pairwiseSubject(keys: PurposeKeys, accountId: string, client: Client): string {
  const secret = keys.all().at(-1)?.secret;
  if (!secret) throw new Error('no key for pairwise subjects');
  return createHmac('sha256', secret)
    .update(JSON.stringify([sectorOf(client), accountId]), 'utf8')
    .digest('base64url');
}
