/**
 * The public listener: the middleware in its order. Everything before the routes applies to every
 * answer, the provider's too. Built by services.ts, served by main.ts.
 */
import Koa from 'koa';
import type { Logger } from 'pino';
import { handleErrors } from '#http/error-handler.ts';
import { parseForms } from '#http/forms.ts';
import { useHostCookies, type CookieSigner } from '#http/host-cookies.ts';
import { pinHost, useIssuerOrigin } from '#http/host-pin.ts';
import { requestContext } from '#http/request-context.ts';
import { securityHeaders } from '#http/security-headers.ts';
import type { FindSite } from '#http/site-hint.ts';
import type { StaticFiles } from '#http/static-files.ts';
import { accountRoutes } from '#routes/account.ts';
import { interactionRoutes } from '#routes/interaction.ts';
import type { PageParts } from '#routes/page-context.ts';
import { createPageRouter } from '#routes/page-router.ts';
import { mountProvider } from '#routes/provider.ts';
import { publicRoutes } from '#routes/public-pages.ts';

export interface AppParts {
  readonly pages: PageParts;
  readonly cookies: CookieSigner;
  readonly staticFiles: StaticFiles;
  readonly findSite: FindSite;
  readonly limitRequests: Koa.Middleware;
  readonly log: Logger;
}

export function createApp({ pages, cookies, staticFiles, findSite, limitRequests, log }: AppParts) {
  const { settings, renderPage } = pages;
  const app = new Koa();
  // oidc-provider sets its cookies through this application's context.
  app.keys = cookies;
  useHostCookies(app, cookies);
  useIssuerOrigin(app, settings.issuer);
  app.use(requestContext(settings.trustedProxies, log));
  app.use(securityHeaders(settings.issuer));
  app.use(handleErrors({ renderPage, findSite, log }));
  app.use(pinHost(settings.issuer));
  app.use(staticFiles.middleware);
  app.use(
    createPageRouter({
      before: [limitRequests, parseForms()],
      routers: [publicRoutes(pages, findSite), accountRoutes(pages), interactionRoutes(pages)],
    }),
  );
  app.use(mountProvider(pages));
  return app;
}
