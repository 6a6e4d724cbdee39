/**
 * When oidc-provider must ask the person something: its own checks, with ours for levels and for
 * accounts that are gone. The library's checks of essential acr claims are replaced: `acr_values`
 * would override a demand, and a demand that cannot be met would ask for ever.
 */
import { errors, interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';
import { demandedLevel, levelOf, type Level } from '#sign-in/levels.ts';

const { Check, base } = interactionPolicy;

/** @param attainable - the highest level that the registered authenticators can prove */
export function createInteractionPolicy(attainable: Level) {
  const policy = base();
  const login = policy.get('login');
  if (!login) throw new Error('oidc-provider has no login prompt');
  login.checks.remove('essential_acrs');
  login.checks.remove('essential_acr');
  login.checks.add(
    new Check('account_missing', 'the account of this session is not available', (ctx) =>
      // Without this the library fails with a 500 (PROVIDER-NOTES §0.8).
      ctx.oidc.session?.accountId !== undefined && ctx.oidc.account === undefined
        ? Check.REQUEST_PROMPT
        : Check.NO_NEED_TO_PROMPT,
    ),
  );
  login.checks.add(
    new Check('step_up', 'a higher authentication level is required', (ctx) =>
      needsStepUp(ctx, attainable) ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
    ),
  );
  return policy;
}

/**
 * @throws UnmetAuthenticationRequirements when the level cannot be reached, or a sign-in just now
 *   did not reach it: asking again would never end
 */
function needsStepUp(ctx: KoaContextWithOIDC, attainable: Level): boolean {
  const { client, params, session, result } = ctx.oidc;
  const demanded = demandedLevel(minAcrOf(client), params?.['claims']);
  if (demanded > attainable) {
    throw new errors.UnmetAuthenticationRequirements('no way to sign in here reaches this level');
  }
  if (levelOf(session?.acr) >= demanded) return false;
  if (result?.login) {
    throw new errors.UnmetAuthenticationRequirements('the sign-in did not reach this level');
  }
  return true;
}

function minAcrOf(client: KoaContextWithOIDC['oidc']['client']): string | undefined {
  const minAcr = client?.['min_acr'];
  return typeof minAcr === 'string' ? minAcr : undefined;
}
