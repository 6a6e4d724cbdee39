/** Making data safe to stand in HTML; render.ts gives these to the templates. */
import { safeReturnPath } from './preferences.ts';

/** Placeholder name → link. */
export type Links = Readonly<Record<string, { readonly href: string; readonly text: string }>>;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Characters that change how neighbours are read or that cannot be seen: bidirectional controls
 * (Unicode UAX #9), zero-width characters, other controls. A site's name must look like what it is.
 */
const DECEPTIVE =
  // eslint would take the escapes for a mistake if they were written as characters
  /[\p{Bidi_Control}\u200b-\u200d\u2060-\u2064\ufeff]|(?![\t\n\r])\p{Cc}/gu;

/**
 * Text or number as HTML text or attribute value.
 *
 * @throws TypeError for anything else: a template that prints `undefined` is our mistake
 */
export function escapeHtml(value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number') {
    throw new TypeError(`a template prints ${value === null ? 'null' : typeof value}`);
  }
  return String(value)
    .replace(DECEPTIVE, '')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/** The address when it is a path of ours or an http(s) URL; `javascript:` and the like never are. */
export function safeHref(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  if (safeReturnPath(value) !== undefined) return value;
  const url = URL.parse(value);
  return url?.protocol === 'https:' || url?.protocol === 'http:' ? url.href : undefined;
}

/** Markup of a plain text whose `{name}` placeholders become links. */
export function linkedSentence(text: string, links: Links): string {
  return escapeHtml(text).replace(/\{(\w+)\}/g, (placeholder, name: string) => {
    const link = links[name];
    if (link === undefined) return placeholder;
    return `<a href="${escapeHtml(link.href)}">${escapeHtml(link.text)}</a>`;
  });
}
