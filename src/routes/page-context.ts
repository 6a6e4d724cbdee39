/** What every page route is made from; services.ts hands it over. */
import type { Context } from 'koa';
import type { Interaction, Provider } from 'oidc-provider';
import type { Accounts } from '#accounts/accounts.ts';
import type { Consents } from '#accounts/consents.ts';
import type { IdentityDocuments } from '#accounts/identity-documents.ts';
import type { AuditLog } from '#audit/audit-log.ts';
import type { Authenticator } from '#authenticators/authenticator.ts';
import type { Settings } from '#config/settings.ts';
import type { FormTokens } from '#http/form-tokens.ts';
import type { ReadyAnswers } from '#http/ready-answers.ts';
import type { RenderPage } from '#http/render.ts';
import type { Clock } from '#lib/clock.ts';
import type { SessionEnding } from '#oidc/session-ending.ts';
import type { SignIn } from '#sign-in/sign-in.ts';
import type { SessionStore } from '#store/session-store.ts';

export interface PageParts {
  readonly settings: Settings;
  /** The provider of the moment: it is replaced when signing keys rotate. */
  readonly provider: () => Provider;
  readonly signIn: SignIn;
  readonly authenticators: readonly Authenticator[];
  readonly accounts: Accounts;
  readonly documents: IdentityDocuments;
  readonly consents: Consents;
  readonly sessions: SessionStore;
  readonly sessionEnding: SessionEnding;
  readonly audit: AuditLog;
  readonly formTokens: FormTokens;
  readonly renderPage: RenderPage;
  readonly readyAnswers: ReadyAnswers;
  readonly clock: Clock;
}

/**
 * The interaction that this browser has open under the URL's id.
 *
 * @throws SessionNotFound (shown as `interaction.expired`, 400) when it ended, belongs to another
 *   browser, or somebody else signed in meanwhile
 */
export async function loadInteraction(parts: PageParts, ctx: Context): Promise<Interaction> {
  return await parts.provider().interactionDetails(ctx.req, ctx.res);
}

/** Scope of the form tokens of one interaction's pages. */
export const interactionScope = (uid: string) => `interaction:${uid}`;
