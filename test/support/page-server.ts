/** Serves every page sample through the real renderer and static files, on a free port. */
import type { Middleware } from 'koa';
import { createRenderer } from '#http/render.ts';
import { LOCALE_COOKIE, LOOK_COOKIE, type Look } from '#http/preferences.ts';
import { createStaticFiles } from '#http/static-files.ts';
import type { Locale } from '#i18n/translate.ts';
import { startKoa } from './koa-server.ts';
import { everySample } from './page-samples.ts';

/** The policy that pages must live with; the server's own adds a nonce and the client's origin. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; " +
  "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

export interface PageServer {
  /** Address of a sample; it sets the preference cookies and shows the page. */
  readonly urlOf: (name: string, locale: Locale, look: Look) => string;
  readonly close: () => Promise<void>;
}

export const sampleOperator = {
  name: '市政务服务数据管理局',
  filing: '京ICP备00000000号',
  policeFiling: '京公网安备00000000000000号',
  helpPhone: '12345',
};

export async function startPageServer(): Promise<PageServer> {
  const files = createStaticFiles();
  const renderer = createRenderer({
    operator: sampleOperator,
    asset: files.asset,
    preferencesCsrf: () => 'sample-token',
  });
  const showSample: Middleware = (ctx) => {
    const { locale, look } = ctx.query;
    const sample = everySample.find(({ name }) => `/${name}` === ctx.path);
    if (sample === undefined) return;
    ctx.set('Content-Security-Policy', CONTENT_SECURITY_POLICY);
    ctx.req.headers.cookie = `${LOCALE_COOKIE}=${String(locale)}; ${LOOK_COOKIE}=${String(look)}`;
    renderer.renderPage(ctx, 200, sample.page, sample.model);
  };
  const { origin, close } = await startKoa(files.middleware, showSample);
  return {
    urlOf: (name, locale, look) => `${origin}/${name}?locale=${locale}&look=${look}`,
    close,
  };
}
