/** Pages for everybody: the front door, documents, language and look, the end of a sign-out. */
import Router from '@koa/router';
import { formFields, seeOther } from '#http/forms.ts';
import { changePreferences } from '#http/preferences.ts';
import { rememberedSite, type FindSite } from '#http/site-hint.ts';
import type { PageParts } from './page-context.ts';

/** Scope of the form token of the language and look switches. */
export const PREFERENCES_SCOPE = 'preferences';

export function publicRoutes(parts: PageParts, findSite: FindSite): Router {
  const router = new Router();
  router.get('/', (ctx) => seeOther(ctx, '/account'));
  for (const page of ['agreement', 'privacy', 'help'] as const) {
    router.get(`/${page}`, (ctx) => parts.renderPage(ctx, 200, page, {}));
  }
  router.get('/signed-out', async (ctx) => {
    const site = await rememberedSite(ctx, findSite);
    parts.renderPage(ctx, 200, 'signed-out', {
      siteName: site?.siteName,
      returnHref: site?.homeHref ?? site?.startAgainHref,
    });
  });
  router.post('/preferences', (ctx) => {
    parts.formTokens.check(ctx, PREFERENCES_SCOPE, formFields(ctx)['csrf']);
    changePreferences(ctx);
  });
  return router;
}
