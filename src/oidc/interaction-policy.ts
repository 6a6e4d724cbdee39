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
  // Without this the library fails with a 500 (PROVIDER-NOTES §0.8).
  addCheck(
    login,
    ['account_missing', 'the account of this session is not available'],
    ({ oidc }) => oidc.session?.accountId !== undefined && oidc.account === undefined,
  );
  addCheck(login, ['step_up', 'a higher authentication level is required'], (ctx) =>
    needsStepUp(ctx, attainable),
  );
  return policy;
}

type Prompt = InstanceType<typeof interactionPolicy.Prompt>;

/** To a request with prompt=none the answer is `login_required`: signing in is what would help. */
function addCheck(
  prompt: Prompt,
  [reason, description]: readonly [string, string],
  isNeeded: (ctx: KoaContextWithOIDC) => boolean,
): void {
  prompt.checks.add(
    new Check(reason, description, 'login_required', (ctx) =>
      isNeeded(ctx) ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT,
    ),
  );
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
