/**
 * The provider of the moment. oidc-provider fixes its keys when it is made, and making one costs a
 * third of a millisecond; so when the published signing keys change, a new one takes over. Every
 * server of a cluster looks for itself when the change feed tells of a rotation, and from time to
 * time: keys also begin to sign when their time has come.
 */
import type { JWK } from 'jose';
import type { Provider } from 'oidc-provider';
import type { SigningKeys } from '#crypto/signing-keys.ts';

export class NoSigningKeys extends Error {
  constructor() {
    super('There are no token-signing keys yet. Create them with `npm run cli -- keys rotate`.');
    this.name = 'NoSigningKeys';
  }
}

export interface ProviderHolderParts {
  readonly signingKeys: SigningKeys;
  readonly make: (jwks: readonly JWK[]) => Provider;
  readonly reloadSeconds: number;
  /** Calls back when another server, or this one, rotated the keys; returns how to stop that. */
  readonly onRotated: (listener: () => void) => () => void;
  /** A look at the keys failed; the present provider stays and the next look comes. */
  readonly onReloadFailure: (error: unknown) => void;
}

export class ProviderHolder {
  readonly #parts: ProviderHolderParts;
  #current: Provider;
  #kids: string;
  #timer: NodeJS.Timeout | undefined;
  #stopListening: () => void = () => undefined;

  private constructor(parts: ProviderHolderParts, jwks: readonly JWK[]) {
    this.#parts = parts;
    this.#kids = kidsOf(jwks);
    this.#current = parts.make(jwks);
  }

  /** @throws NoSigningKeys before the first rotation */
  static async start(parts: ProviderHolderParts): Promise<ProviderHolder> {
    const jwks = await parts.signingKeys.published();
    if (jwks.length === 0) throw new NoSigningKeys();
    const holder = new ProviderHolder(parts, jwks);
    holder.#schedule();
    holder.#stopListening = parts.onRotated(() => void holder.#tryReload());
    return holder;
  }

  get current(): Provider {
    return this.#current;
  }

  stop(): void {
    this.#stopListening();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Looks at the keys now. Returns whether a new provider took over. */
  async reload(): Promise<boolean> {
    const jwks = await this.#parts.signingKeys.published();
    const kids = kidsOf(jwks);
    if (jwks.length === 0 || kids === this.#kids) return false;
    this.#current = this.#parts.make(jwks);
    this.#kids = kids;
    return true;
  }

  async #tryReload(): Promise<void> {
    await this.reload().catch(this.#parts.onReloadFailure);
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      void this.#tryReload().finally(() => {
        if (this.#timer) this.#schedule();
      });
    }, this.#parts.reloadSeconds * 1000);
    this.#timer.unref();
  }
}

/** Which keys are published, and in which order: what a provider is made from. */
const kidsOf = (jwks: readonly JWK[]) => jwks.map(({ kid }) => kid).join(' ');
