/**
 * Texts by key, language and values. Called by http/render.ts for pages and by whoever writes to a
 * person (messages, notices). The languages are zh-CN (the source) and en.
 */
import { en } from './en.ts';
import { zhCN, type TextKey } from './zh-CN.ts';

export const LOCALES = ['zh-CN', 'en'] as const;
export type Locale = (typeof LOCALES)[number];
export const DEFAULT_LOCALE: Locale = 'zh-CN';

export type TextValues = Readonly<Record<string, string | number>>;
/** Text of a key with its `{name}` placeholders filled. Plain text: escape it where it is shown. */
export type Translate = (key: TextKey, values?: TextValues) => string;

const TEXTS: Record<Locale, Record<TextKey, string>> = { 'zh-CN': zhCN, en };

/** @throws Error for a key without a text or a placeholder without a value; both are our mistakes. */
export function translator(locale: Locale): Translate {
  const texts = TEXTS[locale];
  return (key, values = {}) => {
    // Templates are not compiled by TypeScript: a wrong key must not become the word "undefined".
    if (!isTextKey(key)) throw new Error(`no text "${String(key)}"`);
    return fillPlaceholders(texts[key], values);
  };
}

/** Whether a name, such as `scope.<from a request>`, is the key of a text. */
export function isTextKey(name: string): name is TextKey {
  return Object.hasOwn(zhCN, name);
}

/** @throws Error when a placeholder has no value */
function fillPlaceholders(text: string, values: TextValues): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`no value for {${name}} in "${text}"`);
    return String(value);
  });
}

/**
 * The first of the wanted languages that we have.
 *
 * @param tags - language tags (RFC 5646), best first; `zh-TW` or `en-GB` count as zh-CN and en
 */
export function negotiateLocale(tags: readonly string[]): Locale | undefined {
  for (const tag of tags) {
    const language = tag.toLowerCase().split(/[-_]/)[0];
    if (language === 'zh') return 'zh-CN';
    if (language === 'en') return 'en';
  }
  return undefined;
}

/** Language tags of an Accept-Language header (RFC 9110 §12.5.4), best first; `q=0` is left out. */
export function acceptedLanguages(header: string | undefined): string[] {
  return (header ?? '')
    .slice(0, 256)
    .split(',')
    .map((part) => {
      const [tag = '', ...parameters] = part.split(';').map((piece) => piece.trim());
      const quality = parameters.find((parameter) => parameter.startsWith('q='));
      return { tag, quality: quality === undefined ? 1 : Number(quality.slice(2)) };
    })
    .filter(({ tag, quality }) => tag !== '' && quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .map(({ tag }) => tag);
}
