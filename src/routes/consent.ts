/** GET and POST /interaction/:uid/consent — what the site asks for, and the person's decision. */
import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import type { Client, Interaction } from 'oidc-provider';
import { z } from 'zod';
import { formFields, parseForm, seeOther } from '#http/forms.ts';
import { preferUiLocales } from '#http/preferences.ts';
import { originOf } from '#http/request-context.ts';
import { rememberSite } from '#http/site-hint.ts';
import { AppError } from '#lib/errors.ts';
import { maskName, maskPhone } from '#lib/mask.ts';
import { readPerson, type Person } from '#oidc/claims.ts';
import { describeConsent, grantConsent } from '#oidc/consent.ts';
import { allowSiteAsTarget } from '#oidc/form-targets.ts';
import { brandOf, textOfSite } from '#oidc/pages.ts';
import { interactionScope, loadInteraction, type PageParts } from './page-context.ts';

const decisionForm = z.object({
  decision: z.enum(['allow', 'deny']),
  optional: z.union([z.string().transform((one) => [one]), z.array(z.string())]).default([]),
});

export function consentRoutes(
  router: Router,
  parts: PageParts,
  pendingStep: (interaction: Interaction) => string,
): void {
  router.get('/consent', async (ctx) => {
    const interaction = await loadInteraction(parts, ctx);
    if (interaction.prompt.name === 'consent') await showConsent(parts, ctx, interaction);
    else seeOther(ctx, pendingStep(interaction));
  });
  router.post('/consent', async (ctx) => {
    const interaction = await loadInteraction(parts, ctx);
    parts.formTokens.check(ctx, interactionScope(interaction.uid), formFields(ctx)['csrf']);
    if (interaction.prompt.name === 'consent') await decide(parts, ctx, interaction);
    else seeOther(ctx, pendingStep(interaction));
  });
}

async function showConsent(parts: PageParts, ctx: RouterContext, interaction: Interaction) {
  const { uid, params } = interaction;
  const { client, person } = await partiesOf(parts, interaction);
  preferUiLocales(ctx, params['ui_locales']);
  allowSiteAsTarget(ctx, client, String(params['redirect_uri']));
  rememberSite(ctx, client.clientId);
  const earlier = await parts.consents.find(person.account.id, client.clientId);
  parts.renderPage(ctx, 200, 'consent', {
    uid,
    site: brandOf(client, ctx),
    csrf: parts.formTokens.issue(ctx, interactionScope(uid)),
    purpose: textOfSite(client, 'purpose', ctx),
    legalGround: textOfSite(client, 'legal_ground', ctx),
    ...describeConsent(interaction, person, {
      optionalScopes: optionalScopesOf(client),
      heldScopes: await heldScopesOf(parts, interaction),
      isRepeated: earlier !== undefined,
      clock: parts.clock,
    }),
    signedInAs: shownName(person),
    lasts: 'until_revoked',
  });
}

async function decide(parts: PageParts, ctx: RouterContext, interaction: Interaction) {
  const { decision, optional } = parseForm(ctx, decisionForm);
  const { client, person } = await partiesOf(parts, interaction);
  const origin = originOf(ctx);
  const who = { accountId: person.account.id, clientId: client.clientId };
  const provider = parts.provider();
  if (decision === 'deny') {
    await parts.audit.record('authz_consent_denied', who, origin);
    const result = { error: 'access_denied', error_description: 'the person declined' };
    seeOther(ctx, await provider.interactionResult(ctx.req, ctx.res, result));
    return;
  }
  const choice = { ticked: optional, optionalScopes: optionalScopesOf(client), origin };
  const grantId = await grantConsent(provider, interaction, choice, parts);
  const result = { consent: { grantId } };
  seeOther(ctx, await provider.interactionResult(ctx.req, ctx.res, result));
}

async function partiesOf(parts: PageParts, interaction: Interaction) {
  const client = await parts.provider().Client.find(String(interaction.params['client_id']));
  const accountId = interaction.session?.accountId;
  const account = accountId === undefined ? undefined : await parts.accounts.find(accountId);
  // Disabled between two pages: the same end as an interaction that timed out.
  if (!client || account?.status !== 'active') throw new AppError('interaction.expired');
  return { client, person: await readPerson(parts, account) };
}

/** Requested scopes that the grant has, from an earlier decision or by policy. */
async function heldScopesOf(parts: PageParts, { grantId, params }: Interaction) {
  const grant = grantId === undefined ? undefined : await parts.provider().Grant.find(grantId);
  const requested = new Set(String(params['scope']).split(' '));
  return (grant?.getOIDCScopeFiltered(requested) ?? '').split(' ');
}

function optionalScopesOf(client: Client): readonly string[] {
  const value = client['optional_scopes'];
  return Array.isArray(value) ? (value as string[]) : [];
}

/** Accounts without a document are known by their phone. */
function shownName({ document, contact }: Person): string {
  if (document) return maskName(document.name);
  return contact?.phone === undefined ? '' : maskPhone(contact.phone);
}
