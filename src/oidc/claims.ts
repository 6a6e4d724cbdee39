/**
 * What a site learns about a person: claims by scope (DESIGN §7), released only as far as the site
 * is approved. Personal data is opened here, when a token or userinfo answer is made, not before.
 */
import type {
  Account as ProviderAccount,
  Client,
  FindAccount,
  KoaContextWithOIDC,
} from 'oidc-provider';
import type { Account, Accounts, Contact } from '#accounts/accounts.ts';
import type { IdentityDocument, IdentityDocuments } from '#accounts/identity-documents.ts';
import { CLAIM_SCOPES } from '#clients/client-metadata.ts';
import { ageGroup } from '#lib/age-group.ts';
import type { Clock } from '#lib/clock.ts';
import { maskResidentId, maskName } from '#lib/mask.ts';
import { parseResidentId } from '#lib/resident-id.ts';
import { levelOf } from '#sign-in/levels.ts';

/** Scope → claims, for oidc-provider; `openid` names what every ID token carries. */
export const CLAIMS_BY_SCOPE = {
  openid: ['sub', 'acr', 'amr', 'auth_time', 'sid'],
  profile_basic: [
    ...['user_type', 'name_masked', 'real_name_level', 'real_name_method', 'real_name_time'],
    'age_group',
  ],
  profile: [
    ...['name', 'preferred_username', 'gender', 'birthdate', 'zoneinfo', 'locale', 'updated_at'],
    ...['user_type', 'name_masked', 'real_name_level', 'real_name_method', 'real_name_time'],
    'age_group',
  ],
  email: ['email', 'email_verified'],
  phone: ['phone_number', 'phone_number_verified'],
  address: ['address'],
  id_number: ['id_type', 'id_number', 'id_number_masked', 'id_valid_to'],
} as const satisfies Record<string, readonly string[]>;

type ClaimScope = (typeof CLAIM_SCOPES)[number];
type Claims = Record<string, unknown>;

/** All claims that some scopes cover. */
export const claimsOfScopes = (scopes: readonly string[]): ReadonlySet<string> =>
  new Set(
    CLAIM_SCOPES.filter((scope) => scopes.includes(scope)).flatMap((s) => CLAIMS_BY_SCOPE[s]),
  );

/** Scopes whose claims the site was approved for. */
export function approvedScopes(client: Client): ReadonlySet<string> {
  const approved = client['approved_scopes'];
  return new Set(Array.isArray(approved) ? (approved as string[]) : []);
}

/** Whether some approved scope covers a claim that was asked for by name. */
export function isApprovedClaim(client: Client, claim: string): boolean {
  const always: readonly string[] = CLAIMS_BY_SCOPE.openid;
  const approved = approvedScopes(client);
  return (
    always.includes(claim) ||
    CLAIM_SCOPES.some((scope) => approved.has(scope) && coversClaim(scope, claim))
  );
}

const isPersonalClaim = (claim: string) =>
  !(CLAIMS_BY_SCOPE.openid as readonly string[]).includes(claim);

const coversClaim = (scope: ClaimScope, claim: string) =>
  (CLAIMS_BY_SCOPE[scope] as readonly string[]).includes(claim);

export interface ClaimsParts {
  /** An account's state, from a cache that is never more than a second behind. */
  readonly findAccount: (id: string) => Promise<Account | undefined>;
  readonly accounts: Accounts;
  readonly documents: IdentityDocuments;
  /** The acr of a live session, undefined when there is none. */
  readonly sessionAcr: (sessionUid: string) => Promise<string | undefined>;
  readonly clock: Clock;
}

/** oidc-provider's `findAccount`: an account that is not active does not exist for any site. */
export function createFindAccount(parts: ClaimsParts): FindAccount {
  return async (ctx, sub, token) => {
    const account = await parts.findAccount(sub);
    if (account?.status !== 'active') return undefined;
    const found: ProviderAccount = {
      accountId: account.id,
      claims: async (use, granted, requested) => {
        const { client } = ctx.oidc;
        const wantsPersonal = use === 'userinfo' || Object.keys(requested).some(isPersonalClaim);
        if (!client || !wantsPersonal) return { sub: account.id };
        const scopes = releasedScopes(client, granted.split(' '), Object.keys(requested));
        const person = await readPerson(parts, account, scopes);
        const claims: Claims = { sub: account.id };
        for (const scope of scopes) {
          if (scope !== 'id_number') Object.assign(claims, CLAIMS_OF[scope](person, parts.clock));
        }
        const mayHaveNumber = use === 'userinfo' && scopes.includes('id_number');
        if (mayHaveNumber && (await mayHaveIdNumber(parts, ctx, token))) {
          Object.assign(claims, idNumberClaims(person));
        }
        return claims as { sub: string };
      },
    };
    return found;
  };
}

/** Scopes whose claims leave: granted or asked for by name, and approved for the site. */
const releasedScopes = (client: Client, granted: readonly string[], claims: readonly string[]) => {
  const approved = approvedScopes(client);
  return CLAIM_SCOPES.filter(
    (scope) =>
      approved.has(scope) &&
      (granted.includes(scope) || claims.some((claim) => coversClaim(scope, claim))),
  );
};

/** What is known about a person, opened. */
export interface Person {
  readonly account: Account;
  readonly contact: Contact | undefined;
  readonly document: IdentityDocument | undefined;
}

const FROM_CONTACT: ReadonlySet<ClaimScope> = new Set(['profile', 'email', 'phone'] as const);
const FROM_DOCUMENT: ReadonlySet<ClaimScope> = new Set([
  ...(['profile_basic', 'profile', 'id_number'] as const),
]);

/**
 * Opens what the claims of some scopes are made of, and nothing else.
 *
 * @throws SealBroken when a stored value was tampered with
 */
export async function readPerson(
  { accounts, documents }: Pick<ClaimsParts, 'accounts' | 'documents'>,
  account: Account,
  scopes: readonly ClaimScope[] = CLAIM_SCOPES,
): Promise<Person> {
  const [contact, document] = await Promise.all([
    scopes.some((scope) => FROM_CONTACT.has(scope)) ? accounts.contactOf(account.id) : undefined,
    scopes.some((scope) => FROM_DOCUMENT.has(scope)) ? documents.primaryOf(account.id) : undefined,
  ]);
  return { account, contact, document };
}

/** The claims of one scope as a site would get them; also what the consent page shows, masked. */
export const CLAIMS_OF: Readonly<Record<ClaimScope, (person: Person, clock: Clock) => Claims>> = {
  profile_basic: basicClaims,
  profile: (person, clock) => ({ ...basicClaims(person, clock), ...profileClaims(person, clock) }),
  email: ({ contact }) =>
    contact?.email === undefined
      ? {}
      : { email: contact.email, email_verified: contact.emailVerified },
  phone: ({ contact }) =>
    contact?.phone === undefined
      ? {}
      : { phone_number: contact.phone, phone_number_verified: contact.phoneVerified },
  address: () => ({}),
  id_number: idNumberClaims,
};

function basicClaims({ account, document }: Person, clock: Clock): Claims {
  const birthDate = birthDateOf(document, clock);
  return {
    user_type: 'natural',
    ...(document && { name_masked: maskName(document.name) }),
    real_name_level: account.realNameLevel,
    ...(account.realNameMethod !== undefined && { real_name_method: account.realNameMethod }),
    ...(account.realNameAt && { real_name_time: toSeconds(account.realNameAt) }),
    ...(birthDate !== undefined && { age_group: ageGroup(birthDate, clock) }),
  };
}

function profileClaims({ account, contact, document }: Person, clock: Clock): Claims {
  const parsed = document && parseResidentId(document.number, clock);
  return {
    ...(document && { name: document.name }),
    ...(contact?.username !== undefined && { preferred_username: contact.username }),
    ...(parsed?.ok === true && { gender: parsed.sex, birthdate: parsed.birthDate }),
    zoneinfo: 'Asia/Shanghai',
    locale: 'zh-CN',
    updated_at: toSeconds(account.updatedAt),
  };
}

function idNumberClaims({ document }: Person): Claims {
  if (!document?.isBound) return {};
  return {
    id_type: document.type,
    id_number: document.number,
    id_number_masked: maskResidentId(document.number),
    ...(document.validTo !== undefined && { id_valid_to: document.validTo }),
  };
}

/** Only to an approved site, encrypted to its key, from a session of two factors (DESIGN §7). */
async function mayHaveIdNumber(
  { sessionAcr }: ClaimsParts,
  ctx: KoaContextWithOIDC,
  token: Parameters<FindAccount>[2],
): Promise<boolean> {
  const { client } = ctx.oidc;
  if (!client || !approvedScopes(client).has('id_number')) return false;
  const { userinfoSignedResponseAlg, userinfoEncryptedResponseAlg } = client;
  if (userinfoSignedResponseAlg === undefined || userinfoEncryptedResponseAlg === undefined) {
    return false;
  }
  const uid = (token as { sessionUid?: string } | undefined)?.sessionUid;
  return uid !== undefined && levelOf(await sessionAcr(uid)) >= 2;
}

function birthDateOf(document: IdentityDocument | undefined, clock: Clock): string | undefined {
  const parsed = document && parseResidentId(document.number, clock);
  return parsed?.ok === true ? parsed.birthDate : undefined;
}

const toSeconds = (date: Date) => Math.floor(date.getTime() / 1000);
