/**
 * The pages of one sign-in: /interaction/<uid>/… Each step is the server's state; whichever URL is
 * asked for, the pending step is shown (DESIGN §9.5).
 */
import Router, { type RouterContext } from '@koa/router';
import type { Interaction } from 'oidc-provider';
import { z } from 'zod';
import type { Authenticator } from '#authenticators/authenticator.ts';
import { ACCOUNT_CENTRE_ID } from '#clients/account-centre.ts';
import { browserOf } from '#http/browser.ts';
import { formFields, parseForm, seeOther } from '#http/forms.ts';
import type { SignInPasswordPage } from '#http/pages.ts';
import { preferUiLocales } from '#http/preferences.ts';
import { originOf } from '#http/request-context.ts';
import { rememberSite } from '#http/site-hint.ts';
import { AppError } from '#lib/errors.ts';
import { maskName } from '#lib/mask.ts';
import { allowSiteAsTarget } from '#oidc/form-targets.ts';
import { brandOf } from '#oidc/pages.ts';
import type { SignInOutcome } from '#sign-in/sign-in.ts';
import { consentRoutes } from './consent.ts';
import { interactionScope, loadInteraction, type PageParts } from './page-context.ts';

const MAX_ACCOUNT_INPUT = 128;
const accountField = z.object({ account: z.string().max(1024) });

export function interactionRoutes(parts: PageParts): Router {
  const router = new Router({ prefix: '/interaction/:uid' });
  router.get('/', async (ctx) => {
    seeOther(ctx, pendingStep(parts, await loadInteraction(parts, ctx)));
  });
  consentRoutes(router, parts, (interaction) => pendingStep(parts, interaction));
  router.post('/cancel', async (ctx) => cancel(parts, ctx));
  for (const method of parts.authenticators) {
    router.get(`/${method.id}`, async (ctx) => showChallenge(parts, method, ctx));
    router.post(`/${method.id}`, async (ctx) => answerChallenge(parts, method, ctx));
  }
  return router;
}

/** Where the person has to be now. */
function pendingStep({ authenticators }: PageParts, { uid, prompt }: Interaction): string {
  if (prompt.name === 'consent') return `/interaction/${uid}/consent`;
  return `/interaction/${uid}/${authenticators[0]?.id ?? ''}`;
}

/** GET /interaction/:uid/:method — the form of one way to sign in. */
async function showChallenge(parts: PageParts, method: Authenticator, ctx: RouterContext) {
  const interaction = await loadInteraction(parts, ctx);
  if (interaction.prompt.name !== 'login') {
    seeOther(ctx, pendingStep(parts, interaction));
    return;
  }
  const hint = interaction.params['login_hint'];
  const account = typeof hint === 'string' && hint.length <= MAX_ACCOUNT_INPUT ? hint : '';
  await showSignIn(parts, ctx, { interaction, method, account, status: 200 });
}

/**
 * POST /interaction/:uid/:method — the answer to a challenge.
 *
 * Refused: the page again with the reason, 422 (429 or 503 when it was not looked at). Accepted: 303
 * to the next step, so that a reload does not submit twice (RFC 9110 §15.4.4).
 *
 * @throws SessionNotFound (400) when the interaction ended, or belongs to another browser
 * @throws AppError `request.csrf` (403), `request.invalid` (400)
 */
async function answerChallenge(parts: PageParts, method: Authenticator, ctx: RouterContext) {
  const interaction = await loadInteraction(parts, ctx);
  parts.formTokens.check(ctx, interactionScope(interaction.uid), formFields(ctx)['csrf']);
  if (interaction.result?.login) {
    seeOther(ctx, interaction.returnTo);
    return;
  }
  if (interaction.prompt.name !== 'login') {
    seeOther(ctx, pendingStep(parts, interaction));
    return;
  }
  const { account } = parseForm(ctx, accountField);
  const outcome = await judge(parts, method, ctx, { interaction, account });
  if (!outcome.ok) {
    await showSignIn(parts, ctx, { interaction, method, account, ...refusalOf(outcome) });
    return;
  }
  const { accountId, acr, amr } = outcome;
  const login = { accountId, acr, amr: [...amr], remember: false };
  seeOther(ctx, await parts.provider().interactionResult(ctx.req, ctx.res, { login }));
}

async function judge(
  parts: PageParts,
  method: Authenticator,
  ctx: RouterContext,
  { interaction, account }: { interaction: Interaction; account: string },
): Promise<SignInOutcome> {
  const answer = method.answer.safeParse(formFields(ctx));
  // An empty field is told like a wrong answer; there is nothing to compare or to count.
  if (!answer.success) return { ok: false, refusal: 'wrong_answer' };
  return await parts.signIn.answer(method, {
    interactionId: interaction.uid,
    clientId: String(interaction.params['client_id']),
    account,
    answer: answer.data,
    browser: browserOf(ctx),
    origin: originOf(ctx),
  });
}

function refusalOf(outcome: Extract<SignInOutcome, { ok: false }>) {
  const { refusal } = outcome;
  if (!('retryAfterSeconds' in outcome)) return { status: 422, refusal };
  const { retryAfterSeconds } = outcome;
  return { status: refusal === 'busy' ? 503 : 429, refusal, retryAfterSeconds };
}

interface Shown {
  readonly interaction: Interaction;
  readonly method: Authenticator;
  readonly account: string;
  readonly status: number;
  readonly refusal?: SignInPasswordPage['refusal'];
  readonly retryAfterSeconds?: number;
}

async function showSignIn(parts: PageParts, ctx: RouterContext, shown: Shown): Promise<void> {
  const { uid, params, session, prompt } = shown.interaction;
  const client = await parts.provider().Client.find(String(params['client_id']));
  if (!client) throw new AppError('interaction.expired');
  preferUiLocales(ctx, params['ui_locales']);
  allowSiteAsTarget(ctx, client, String(params['redirect_uri']));
  rememberSite(ctx, client.clientId);
  if (shown.retryAfterSeconds !== undefined) {
    ctx.set('Retry-After', String(shown.retryAfterSeconds));
  }
  const accountId = session?.accountId;
  parts.renderPage(ctx, shown.status, 'sign-in/password', {
    uid,
    site: client.clientId === ACCOUNT_CENTRE_ID ? undefined : brandOf(client, ctx),
    csrf: parts.formTokens.issue(ctx, interactionScope(uid)),
    account: shown.account.slice(0, MAX_ACCOUNT_INPUT),
    refusal: shown.refusal,
    retryAfterSeconds: shown.retryAfterSeconds,
    methods: parts.authenticators.map(({ id }) => ({
      id,
      href: `/interaction/${uid}/${id}`,
      current: id === shown.method.id,
    })),
    cancelHref: `/interaction/${uid}/cancel`,
    ...(accountId !== undefined && {
      reason: prompt.reasons.includes('step_up') ? 'step_up' : 'reauthenticate',
      signedInAs: await maskedNameOf(parts, accountId),
    }),
  });
}

async function maskedNameOf({ documents }: PageParts, accountId: string) {
  const document = await documents.primaryOf(accountId);
  return document && maskName(document.name);
}

/** POST /interaction/:uid/cancel — back to the site with `access_denied`. */
async function cancel(parts: PageParts, ctx: RouterContext): Promise<void> {
  const interaction = await loadInteraction(parts, ctx);
  parts.formTokens.check(ctx, interactionScope(interaction.uid), formFields(ctx)['csrf']);
  const result = { error: 'access_denied', error_description: 'the person cancelled the sign-in' };
  seeOther(ctx, await parts.provider().interactionResult(ctx.req, ctx.res, result));
}
