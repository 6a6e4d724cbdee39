/** The pages that oidc-provider asks for: sign-out, signed out, and its errors. */
import type { Context } from 'koa';
import type { Client, Configuration, KoaContextWithOIDC } from 'oidc-provider';
import { pageErrorOf, type SiteBrand } from '#http/pages.ts';
import { preferencesOf, preferUiLocales } from '#http/preferences.ts';
import type { RenderPage } from '#http/render.ts';
import { originOf } from '#http/request-context.ts';
import { allowSiteAsTarget } from './form-targets.ts';

type RpInitiatedLogout = NonNullable<NonNullable<Configuration['features']>['rpInitiatedLogout']>;

export interface ProviderPages {
  readonly signOut: NonNullable<RpInitiatedLogout['logoutSource']>;
  readonly signedOut: NonNullable<RpInitiatedLogout['postLogoutSuccessSource']>;
  readonly error: NonNullable<Configuration['renderError']>;
}

/** What pages show of a site, in the page's language where the site registered it. */
export function brandOf(client: Client, ctx: Context): SiteBrand {
  return {
    name: textOfSite(client, 'client_name', ctx) ?? client.clientName ?? client.clientId,
    department: textOfSite(client, 'department_name', ctx) ?? '',
  };
}

/** A text of the registration: `purpose#en` on an English page when there is one, else `purpose`. */
export function textOfSite(client: Client, name: string, ctx: Context): string | undefined {
  const { locale } = preferencesOf(ctx);
  const texts = [client[`${name}#${locale}`], client[name]];
  return texts.find((value): value is string => typeof value === 'string');
}

/** Where a person starts over at a site: its own sign-in, else its front page. */
export function startAgainHref(client: Client | undefined): string | undefined {
  const start = client?.['start_uri'];
  return typeof start === 'string' ? start : client?.clientUri;
}

export function createProviderPages(renderPage: RenderPage): ProviderPages {
  return {
    async signOut(ctx, formHtml) {
      const { session, client, provider, params } = ctx.oidc;
      preferUiLocales(ctx, params?.['ui_locales']);
      const target = params?.['post_logout_redirect_uri'];
      if (typeof target === 'string') allowSiteAsTarget(ctx, client, target);
      const ids = Object.keys(session?.authorizations ?? {});
      const sites = await Promise.all(ids.map((id) => provider.Client.find(id)));
      renderPage(ctx, 200, 'sign-out', {
        formHtml,
        sites: sites.flatMap((site) => (site ? [brandOf(site, ctx).name] : [])),
        site: client && brandOf(client, ctx),
      });
    },

    signedOut(ctx) {
      const { client } = ctx.oidc;
      renderPage(ctx, 200, 'signed-out', {
        siteName: client && brandOf(client, ctx).name,
        returnHref: client?.clientUri,
      });
    },

    error(ctx, out) {
      showError(renderPage, ctx, out.error);
    },
  };
}

function showError(renderPage: RenderPage, ctx: KoaContextWithOIDC, error: string): void {
  // oidc-provider asks for pages before it has a client, too.
  const client = (ctx.oidc as typeof ctx.oidc | undefined)?.client;
  const known = client === undefined ? undefined : brandOf(client, ctx).name;
  renderPage(ctx, ctx.status, 'error', {
    code: pageErrorOf(error),
    requestId: originOf(ctx).requestId,
    siteName: known,
    startAgainHref: startAgainHref(client),
  });
}
