/**
 * Cookies as the browser should hold them: every one `__Host-`, Secure, HttpOnly, SameSite=Lax, for
 * the whole host. oidc-provider limits its interaction cookies to a path instead, which `__Host-`
 * forbids; here the interaction's id becomes part of the name, so that several tabs sign in side by
 * side.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import Cookies from 'cookies';
import type Koa from 'koa';

/** Names given to oidc-provider's configuration. */
export const COOKIE_NAMES = {
  session: '__Host-yrt-session',
  interaction: '__Host-yrt-interaction',
  resume: '__Host-yrt-resume',
} as const;

const PER_INTERACTION: readonly string[] = [COOKIE_NAMES.interaction, COOKIE_NAMES.resume];
/** Abandoned sign-ins leave cookies for ten minutes; more than this would overflow the header. */
const MAX_INTERACTION_COOKIES = 16;

/** Signs and verifies; shaped like Keygrip, so that koa and oidc-provider accept it. */
export interface CookieSigner {
  sign(data: string): string;
  verify(data: string, signature: string): boolean;
  /** Position of the key that made the signature, -1 when none did. */
  index(data: string, signature: string): number;
}

class HostCookies extends Cookies {
  readonly #path: string;
  readonly #header: string;

  constructor(request: IncomingMessage, response: ServerResponse, keys: CookieSigner) {
    // Keygrip's type has a constructor; a signer is all that Cookies calls.
    super(request, response, { keys: keys as unknown as string[], secure: true });
    this.#path = request.url ?? '/';
    this.#header = request.headers.cookie ?? '';
  }

  override get(name: string, options?: Cookies.GetOption): string | undefined {
    return super.get(this.#scoped(name, this.#path), options);
  }

  override set(name: string, value?: string | null, options: Cookies.SetOption = {}): this {
    const isSignature = name.endsWith('.sig');
    if (name === COOKIE_NAMES.interaction && value) this.#forgetOldInteractions();
    return super.set(this.#scoped(name, options.path ?? this.#path), value, {
      ...options,
      path: '/',
      secure: true,
      httpOnly: true,
      sameSite: 'lax',
      ...(!isSignature && { overwrite: true }),
    });
  }

  /** `/interaction/<id>/…` and `/auth/<id>` name the interaction that a cookie belongs to. */
  #scoped(name: string, path: string): string {
    if (!PER_INTERACTION.includes(name)) return name;
    const id = /^\/(?:interaction|auth)\/([A-Za-z0-9_-]+)/.exec(path)?.[1];
    return id === undefined ? name : `${name}.${id}`;
  }

  #forgetOldInteractions(): void {
    const pattern = new RegExp(
      `(?:${PER_INTERACTION.join('|')})\\.[A-Za-z0-9_-]+(?:\\.sig)?(?==)`,
      'g',
    );
    const names = this.#header.match(pattern) ?? [];
    if (names.length < MAX_INTERACTION_COOKIES * PER_INTERACTION.length) return;
    for (const name of names) super.set(name, null, { path: '/', secure: true, signed: false });
  }
}

/** Makes an application (ours, and oidc-provider's, which is one too) use HostCookies. */
export function useHostCookies(app: Koa, keys: CookieSigner): void {
  const made = new WeakMap<IncomingMessage, HostCookies>();
  Object.defineProperty(app.context, 'cookies', {
    configurable: true,
    get(this: Koa.Context) {
      const cookies = made.get(this.req) ?? new HostCookies(this.req, this.res, keys);
      made.set(this.req, cookies);
      return cookies;
    },
  });
}
