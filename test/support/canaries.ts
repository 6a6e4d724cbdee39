/** Values that must never be found again in clear: collected on the way, looked for at the end. */
import type { CookieBrowser } from './cookie-browser.ts';

/** Shorter values occur by chance. */
const MIN_LENGTH = 6;

export class Canaries {
  readonly #values = new Map<string, string>();

  /** @param what - tells which value leaked, without repeating it */
  add(what: string, value: string | undefined): void {
    if (value === undefined || value.length < MIN_LENGTH) {
      throw new Error(`${what} is no canary: ${String(value)}`);
    }
    this.#values.set(value, what);
  }

  /** Names are shorter and rare enough. */
  addName(value: string): void {
    this.#values.set(value, 'name');
  }

  /** The values of the cookies that a browser holds now. */
  addCookies(browser: CookieBrowser, url: string): void {
    for (const [name, value] of browser.cookies(url)) {
      // The preferences and the last site are no secret, and not about the person.
      if (/yrt-(?:preferences|site|locale|look)/.test(name)) continue;
      this.add(`cookie ${name}`, value);
    }
  }

  get size(): number {
    return this.#values.size;
  }

  /** Which of them a text holds: as they are, as hex, as base64url, or percent-encoded. */
  foundIn(text: string): string[] {
    return [...this.#values]
      .filter(([value]) => formsOf(value).some((form) => text.includes(form)))
      .map(([, what]) => what);
  }
}

const formsOf = (value: string): string[] => {
  const bytes = Buffer.from(value, 'utf8');
  const forms = [
    value,
    bytes.toString('hex'),
    // Without the last characters, which depend on what follows.
    bytes.toString('base64url').slice(0, -2),
    bytes.toString('base64').replaceAll('=', '').slice(0, -2),
    encodeURIComponent(value),
    JSON.stringify(value).slice(1, -1),
  ];
  return forms;
};
