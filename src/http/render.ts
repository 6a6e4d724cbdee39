/**
 * Pages from models: the template of views/ with the person's language and look. Handlers call
 * `renderPage(ctx, 200, 'consent', model)`; app.ts makes one renderer at start. Templates get
 * `it.model` and the functions of ViewData, everything else they do is if and each.
 */
import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';
import type { Context } from 'koa';
import { beijingTime, duration } from '#i18n/format.ts';
import { isTextKey, translator, type Translate } from '#i18n/translate.ts';
import type { Settings } from '#config/settings.ts';
import { escapeHtml, linkedSentence, safeHref, type Links } from './markup.ts';
import type { Pages, SiteBrand } from './pages.ts';
import { preferencesOf, type Preferences } from './preferences.ts';

export interface RendererOptions {
  /** Who runs the service; empty values are not shown. */
  readonly operator: Settings['operator'];
  /** URL of a file under views/assets (createStaticFiles). */
  readonly asset: (name: string) => string;
  /** CSRF token of the switches' form, which stands on every page. */
  readonly preferencesCsrf: (ctx: Context) => string;
  readonly viewsDirectory?: string;
}

/** What the layout needs beside the page's own model. */
export interface PageSurroundings extends Preferences {
  /** Path that the language and look switches come back to. */
  readonly returnTo: string;
  readonly preferencesCsrf: string;
}

/** What templates see as `it`. */
interface ViewData<P extends keyof Pages> {
  readonly model: Pages[P];
  readonly page: PageSurroundings & { readonly operator: Settings['operator'] };
  readonly site: SiteBrand | undefined;
  /** Text of a key. */
  readonly t: Translate;
  /** Text of a key that is put together from data, or the fallback when there is none. */
  readonly textOr: (key: string, fallback: string) => string;
  /** A text whose placeholders are links, as markup. */
  readonly sentence: (key: Parameters<Translate>[0], links: Links) => string;
  /** The address when it is one of ours or http(s), else undefined. */
  readonly href: (value: unknown) => string | undefined;
  readonly asset: (name: string) => string;
  /** A claim’s value in words where we have them (`adult` → 成年), else the value itself. */
  readonly claimValue: (claim: string, value: string) => string;
  readonly time: (value: Date) => string;
  readonly duration: (seconds: number) => string;
}

export type RenderPage = <P extends keyof Pages>(
  ctx: Context,
  status: number,
  page: P,
  model: Pages[P],
) => void;

export interface Renderer {
  /** Answers with a page in the language and look of the request. */
  readonly renderPage: RenderPage;
  /** The same as a string, where there is no request. */
  readonly toHtml: <P extends keyof Pages>(
    page: P,
    model: Pages[P],
    surroundings: PageSurroundings,
  ) => string;
}

/** @throws nothing itself; `renderPage` throws for a template that misses a text or a value */
export function createRenderer(options: RendererOptions): Renderer {
  const views = options.viewsDirectory ?? fileURLToPath(new URL('../../views', import.meta.url));
  const eta = new Eta({ views, cache: true, autoEscape: true, escapeFunction: escapeHtml });

  const toHtml: Renderer['toHtml'] = (page, model, surroundings) =>
    eta.render(`/${page}`, viewData(options, model, surroundings));

  const renderPage: RenderPage = (ctx, status, page, model) => {
    const preferences = preferencesOf(ctx);
    const html = toHtml(page, model, {
      ...preferences,
      returnTo: returnPathOf(ctx, page),
      preferencesCsrf: options.preferencesCsrf(ctx),
    });
    ctx.status = status;
    ctx.type = 'html';
    ctx.set('Content-Language', preferences.locale);
    ctx.body = html;
  };
  return { renderPage, toHtml };
}

/** A refused form's page has the path of its GET; an error of a POST cannot be shown again. */
function returnPathOf(ctx: Context, page: keyof Pages): string {
  if (ctx.method === 'GET') return ctx.originalUrl;
  return page === 'error' ? '/help' : ctx.path;
}

function viewData<P extends keyof Pages>(
  { operator, asset }: RendererOptions,
  model: Pages[P],
  surroundings: PageSurroundings,
): ViewData<P> {
  const t = translator(surroundings.locale);
  const textOr = (key: string, fallback: string) => (isTextKey(key) ? t(key) : fallback);
  return {
    model,
    page: { ...surroundings, operator },
    site: 'site' in model ? model.site : undefined,
    t,
    textOr,
    claimValue: (claim, value) => textOr(claimValueKey(claim, value), value),
    sentence: (key, links) => linkedSentence(t(key, placeholdersOf(links)), links),
    href: safeHref,
    asset,
    time: beijingTime,
    duration: (seconds) => duration(seconds, surroundings.locale),
  };
}

/** Leaves `{name}` in the text for linkedSentence. */
const placeholdersOf = (links: Links) =>
  Object.fromEntries(Object.keys(links).map((name) => [name, `{${name}}`]));

function claimValueKey(claim: string, value: string): string {
  if (value === 'true') return 'claim_value.yes';
  if (value === 'false') return 'claim_value.no';
  if (claim === 'real_name_level') return `account.level.${value}`;
  if (claim === 'id_type') return `document_type.${value}`;
  return `claim_value.${claim}.${value}`;
}
