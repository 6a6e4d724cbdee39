/**
 * Consent: what a site still asks for, shown with the real values (masked), and the person's
 * decision turned into a grant and a record that later requests are compared with.
 */
import type { Interaction, Provider } from 'oidc-provider';
import type { Consents } from '#accounts/consents.ts';
import type { AuditLog } from '#audit/audit-log.ts';
import { CLAIM_SCOPES } from '#clients/client-metadata.ts';
import type { ConsentItem, ConsentValue } from '#http/pages.ts';
import type { Clock } from '#lib/clock.ts';
import { maskEmail, maskName, maskPhone, maskResidentId } from '#lib/mask.ts';
import type { RequestOrigin } from '#lib/request-origin.ts';
import { CLAIMS_BY_SCOPE, CLAIMS_OF, type Person } from './claims.ts';

/** Version of the words of the consent page; recorded with every decision. */
export const CONSENT_TEXT_VERSION = '2026-11';

/** What oidc-provider found missing (helpers/interaction_policy/prompts/consent.js). */
interface Missing {
  readonly missingOIDCScope?: readonly string[];
  readonly missingOIDCClaims?: readonly string[];
  readonly missingResourceScopes?: Readonly<Record<string, readonly string[]>>;
}

export interface ConsentRequest {
  readonly required: readonly ConsentItem[];
  readonly optional: readonly ConsentItem[];
}

const MASKS: Readonly<Record<string, (value: string) => string>> = {
  name: maskName,
  phone_number: maskPhone,
  email: maskEmail,
  id_number: maskResidentId,
  birthdate: (value) => `${value.slice(0, 4)}-**-**`,
};
/** Constants and technical values that say nothing about a person. */
const NOT_SHOWN: ReadonlySet<string> = new Set([
  ...['zoneinfo', 'locale', 'updated_at', 'real_name_time', 'user_type', 'id_number_masked'],
  ...['email_verified', 'phone_number_verified'],
]);

/**
 * Everything that the site will get: a page that was asked for (`prompt=consent`) or is always shown
 * (native apps) must not say that nothing leaves when the site has it already.
 *
 * @param optionalScopes - scopes that the site declared it can do without
 * @param heldScopes - requested scopes that it has already; nothing to choose
 * @param isRepeated - the person allowed something to this site before: what is missing is new
 */
export function describeConsent(
  interaction: Interaction,
  person: Person,
  options: {
    readonly optionalScopes: readonly string[];
    readonly heldScopes: readonly string[];
    readonly isRepeated: boolean;
    readonly clock: Clock;
  },
): ConsentRequest {
  const { missingOIDCScope = [], missingOIDCClaims = [] } = interaction.prompt.details as Missing;
  const { heldScopes, isRepeated, clock } = options;
  const isMissing = (name: string) => missingOIDCScope.includes(name);
  const items: ConsentItem[] = CLAIM_SCOPES.filter(
    (scope) => isMissing(scope) || heldScopes.includes(scope),
  ).map((scope) => ({
    name: scope,
    values: shown(CLAIMS_OF[scope](person, clock)),
    isNew: isRepeated && isMissing(scope),
  }));
  const single = missingOIDCClaims.flatMap((claim) => shown(claimOf(claim, person, clock)));
  if (single.length > 0) items.push({ name: 'claims', values: single, isNew: isRepeated });
  const isOptional = ({ name }: ConsentItem) =>
    options.optionalScopes.includes(name) && isMissing(name);
  return {
    required: items.filter((item) => !isOptional(item)),
    optional: items.filter(isOptional),
  };
}

/** The name first; the masked name only where the name itself is not given. */
function shown({ name, name_masked, ...others }: Record<string, unknown>): ConsentValue[] {
  const named = name === undefined ? { name_masked } : { name };
  return Object.entries({ ...named, ...others })
    .filter(([claim, value]) => value !== undefined && !NOT_SHOWN.has(claim))
    .map(([claim, value]) => ({ claim, value: MASKS[claim]?.(String(value)) ?? String(value) }));
}

/** One claim asked for by name, from the scope that has it. */
function claimOf(claim: string, person: Person, clock: Clock): Record<string, unknown> {
  const scope = CLAIM_SCOPES.find((name) =>
    (CLAIMS_BY_SCOPE[name] as readonly string[]).includes(claim),
  );
  const value = scope && CLAIMS_OF[scope](person, clock)[claim];
  return value === undefined ? {} : { [claim]: value };
}

export interface ConsentChoice {
  /** Optional scopes that were ticked. */
  readonly ticked: readonly string[];
  readonly optionalScopes: readonly string[];
  readonly origin: RequestOrigin;
}

/**
 * Remembers and audits the decision, then grants what was missing, less the optional scopes that
 * stayed unticked: without the audit row there is no grant.
 *
 * @returns the grant's id for oidc-provider
 */
export async function grantConsent(
  provider: Provider,
  interaction: Interaction,
  choice: ConsentChoice,
  { consents, audit }: { readonly consents: Consents; readonly audit: AuditLog },
): Promise<string> {
  const {
    missingOIDCScope = [],
    missingOIDCClaims = [],
    missingResourceScopes = {},
  } = interaction.prompt.details as Missing;
  const accountId = interaction.session?.accountId ?? '';
  const clientId = String(interaction.params['client_id']);
  const rejected = missingOIDCScope.filter(
    (scope) => choice.optionalScopes.includes(scope) && !choice.ticked.includes(scope),
  );
  const scopes = missingOIDCScope.filter((scope) => !rejected.includes(scope));

  const earlier = await consents.find(accountId, clientId);
  const decision = {
    ...{ accountId, clientId, textVersion: CONSENT_TEXT_VERSION, channel: choice.origin.channel },
    scopes: union(earlier?.scopes, scopes),
    claims: union(earlier?.claims, missingOIDCClaims),
    rejectedScopes: rejected,
  };
  await consents.record(decision, async (transaction) => {
    const details = { accountId, clientId, scopes, claims: missingOIDCClaims };
    await audit.record('authz_consent_granted', details, choice.origin, { transaction });
  });

  const existing =
    interaction.grantId === undefined ? undefined : await provider.Grant.find(interaction.grantId);
  const grant = existing ?? new provider.Grant({ accountId, clientId });
  if (scopes.length > 0) grant.addOIDCScope(scopes.join(' '));
  if (rejected.length > 0) grant.rejectOIDCScope(rejected.join(' '));
  if (missingOIDCClaims.length > 0) grant.addOIDCClaims([...missingOIDCClaims]);
  for (const [resource, names] of Object.entries(missingResourceScopes)) {
    grant.addResourceScope(resource, names.join(' '));
  }
  return await grant.save();
}

const union = (earlier: readonly string[] = [], now: readonly string[] = []) => [
  ...new Set([...earlier, ...now]),
];
