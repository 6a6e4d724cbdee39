/** A browser without pages: follows redirects by hand and keeps cookies per host name, as real ones do. */
export interface Page {
  url: string;
  status: number;
  headers: Headers;
  text: string;
}

export interface BrowserOptions {
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Another window of this browser: the same cookies. */
  readonly windowOf?: CookieBrowser;
  /** How it reaches the server; the network, unless told otherwise. */
  readonly fetch?: (url: URL, init: RequestInit) => Promise<Response>;
}

export class CookieBrowser {
  /** Host name (ports do not count, RFC 6265 §8.5) → cookies. */
  readonly #jar: Map<string, Map<string, string>>;
  readonly #stopAt: (url: URL) => boolean;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #fetch: NonNullable<BrowserOptions['fetch']>;

  /**
   * @param stopAt - redirects to such a URL are not followed: the page is then that URL with the
   *   status of the redirect and no text, e.g. a site's callback that nobody serves
   */
  constructor(stopAt: (url: URL) => boolean = () => false, options: BrowserOptions = {}) {
    this.#stopAt = stopAt;
    const { windowOf } = options;
    this.#jar = windowOf ? windowOf.#jar : new Map<string, Map<string, string>>();
    this.#headers = options.headers ?? {};
    this.#fetch = options.fetch ?? fetch;
  }

  /** Opens a URL and follows its redirects. */
  open(url: string | URL): Promise<Page> {
    return this.#go('GET', new URL(url));
  }

  /** Sends a form and follows the redirects after it. */
  submit(url: string | URL, fields: Record<string, string> = {}): Promise<Page> {
    return this.#go('POST', new URL(url), new URLSearchParams(fields));
  }

  /** Sends the form of a page that has the given button text, hidden fields included. */
  press(page: Page, button: string, fields: Record<string, string> = {}): Promise<Page> {
    const forms = [...page.text.matchAll(/<form[^>]*>[\s\S]*?<\/form>/g)].map(([form]) => form);
    const form = forms.find((text) => text.includes(button));
    if (form === undefined) throw new Error(`${page.url} has no form with "${button}"`);
    const action = /action="([^"]*)"/.exec(form)?.[1] ?? page.url;
    const hidden: Record<string, string> = {};
    for (const [input] of form.matchAll(/<input[^>]*type="hidden"[^>]*>/g)) {
      hidden[/name="([^"]*)"/.exec(input)?.[1] ?? ''] = /value="([^"]*)"/.exec(input)?.[1] ?? '';
    }
    return this.submit(new URL(action, page.url), { ...hidden, ...fields });
  }

  cookies(url: string | URL): ReadonlyMap<string, string> {
    return this.#cookiesOf(new URL(url).hostname);
  }

  async #go(method: string, start: URL, form?: URLSearchParams): Promise<Page> {
    let [url, body] = [start, form ?? null];
    for (let hops = 0; hops < 20; hops += 1) {
      const response = await this.#fetch(url, {
        method: body ? method : 'GET',
        body,
        redirect: 'manual',
        headers: {
          cookie: this.#cookieHeader(url.hostname),
          accept: 'text/html',
          ...this.#headers,
        },
      });
      this.#keep(url.hostname, response.headers.getSetCookie());
      const location = response.headers.get('location');
      const { status, headers } = response;
      if (location === null) return { url: url.href, status, headers, text: await response.text() };
      await response.body?.cancel();
      const target = new URL(location, url);
      if (this.#stopAt(target)) return { url: target.href, status, headers, text: '' };
      [url, body] = [target, null];
    }
    throw new Error(`too many redirects from ${start.href}`);
  }

  #cookiesOf(host: string): Map<string, string> {
    const cookies = this.#jar.get(host) ?? new Map<string, string>();
    this.#jar.set(host, cookies);
    return cookies;
  }

  #cookieHeader(host: string): string {
    return [...this.#cookiesOf(host)].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  #keep(host: string, lines: readonly string[]): void {
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      const isGone = /;\s*max-age=0/i.test(line) || /expires=Thu, 01 Jan 1970/i.test(line);
      if (isGone || value === '') this.#cookiesOf(host).delete(name);
      else this.#cookiesOf(host).set(name, value);
    }
  }
}
