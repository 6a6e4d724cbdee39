/**
 * What a site may have without asking the person again: what stands by policy (`openid`, refresh
 * tokens, `profile_basic` for government sites) and what the person allowed before. oidc-provider
 * calls loadExistingGrant in every authorization request and asks for consent to the rest.
 */
import type { Client, Grant, KoaContextWithOIDC } from 'oidc-provider';
import type { Consent, Consents } from '#accounts/consents.ts';
import { CLAIM_SCOPES } from '#clients/client-metadata.ts';
import { approvedScopes, claimsOfScopes, isApprovedClaim } from './claims.ts';

type LoadExistingGrant = (ctx: KoaContextWithOIDC) => Promise<Grant | undefined>;

export function createLoadExistingGrant(consents: Consents): LoadExistingGrant {
  return async (ctx) => {
    const { client, session, provider, result } = ctx.oidc;
    const accountId = session?.accountId;
    if (!client || !session || accountId === undefined) return undefined;

    const grantId = result?.consent?.grantId ?? session.grantIdFor(client.clientId);
    const found = grantId === undefined ? undefined : await provider.Grant.find(grantId);
    // A grant of another person, after a change of accounts in one browser, is nobody's here.
    const existing = found?.accountId === accountId ? found : undefined;
    const missing = missingFrom(ctx, existing);
    if (missing.scopes.length + missing.claims.length === 0) return existing;

    const remembered = await consents.find(accountId, client.clientId);
    const grant = existing ?? new provider.Grant({ accountId, clientId: client.clientId });
    if (!extend(grant, client, missing, remembered)) return existing;
    await grant.save();
    return grant;
  };
}

interface Wanted {
  readonly scopes: readonly string[];
  readonly claims: readonly string[];
}

function missingFrom(ctx: KoaContextWithOIDC, grant: Grant | undefined): Wanted {
  const scopes = new Set(grant?.getOIDCScopeEncountered().split(' '));
  const claims = new Set(grant?.getOIDCClaimsEncountered());
  return {
    scopes: [...ctx.oidc.requestParamOIDCScopes].filter((scope) => !scopes.has(scope)),
    claims: [...ctx.oidc.requestParamClaims].filter((claim) => !claims.has(claim)),
  };
}

/** Adds what needs no asking; returns whether anything was added. */
function extend(grant: Grant, client: Client, missing: Wanted, remembered?: Consent): boolean {
  const granted = missing.scopes.filter(
    (scope) =>
      isStanding(client, scope) ||
      (isApprovedScope(client, scope) && remembered?.scopes.includes(scope) === true),
  );
  // What the site is not approved for is left out, not asked about.
  const refused = missing.scopes.filter(
    (scope) =>
      !granted.includes(scope) &&
      (!isApprovedScope(client, scope) || remembered?.rejectedScopes.includes(scope) === true),
  );
  if (granted.length > 0) grant.addOIDCScope(granted.join(' '));
  if (refused.length > 0) grant.rejectOIDCScope(refused.join(' '));
  // A claim of a scope that the site has already would be asked about for nothing.
  const held = claimsOfScopes(grant.getOIDCScope().split(' '));
  const grantedClaims = missing.claims.filter(
    (claim) => held.has(claim) || remembered?.claims.includes(claim) === true,
  );
  const refusedClaims = missing.claims.filter((claim) => !isApprovedClaim(client, claim));
  if (grantedClaims.length > 0) grant.addOIDCClaims(grantedClaims);
  if (refusedClaims.length > 0) grant.rejectOIDCClaims(refusedClaims);
  return [granted, refused, grantedClaims, refusedClaims].some((list) => list.length > 0);
}

function isStanding(client: Client, scope: string): boolean {
  if (scope === 'openid' || scope === 'offline_access') return true;
  const isGovernment = client['government'] === true;
  return scope === 'profile_basic' && isGovernment && approvedScopes(client).has(scope);
}

const isApprovedScope = (client: Client, scope: string) =>
  !(CLAIM_SCOPES as readonly string[]).includes(scope) || approvedScopes(client).has(scope);
