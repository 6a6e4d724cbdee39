/**
 * Notices that a code or refresh token was presented twice, and tells it once per revoked grant. Two
 * paths lead here: the loser of a race, whom adapter.ts stops, and a late presentation, which the
 * library recognizes by `consumed` and answers by destroying the Grant.
 */
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Payload, RecordModel, RecordStore } from '#store/record-store.ts';

interface Told {
  readonly records: RecordStore;
  onReuse(model: RecordModel, payload: Payload): Promise<void>;
}

export class ReuseWatch {
  readonly #told: Told;
  /** Used records that a token request has read. */
  readonly #used = new WeakMap<KoaContextWithOIDC, { model: RecordModel; payload: Payload }>();

  constructor(told: Told) {
    this.#told = told;
  }

  /** Only at the token endpoint: introspection and revocation read used tokens without harm. */
  sawUsed(ctx: KoaContextWithOIDC | undefined, model: RecordModel, payload: Payload): void {
    if (ctx?.oidc.route === 'token') this.#used.set(ctx, { model, payload });
  }

  /** The library revoked a grant while it answered a request. */
  async revoked(ctx: KoaContextWithOIDC | undefined, grantId: string): Promise<void> {
    const used = ctx && this.#used.get(ctx);
    if (used && used.payload['grantId'] === grantId) await this.#tell(used.model, used.payload);
  }

  /** A concurrent request used the record first: the grant is revoked, the winner's tokens die. */
  async lostRace(model: RecordModel, handle: string): Promise<void> {
    const payload = await this.#told.records.find(model, handle);
    // Not found: its grant is revoked already, and who did it has told.
    if (!payload) return;
    const grantId = payload['grantId'];
    const isFirst = typeof grantId !== 'string' || (await this.#told.records.revokeGrant(grantId));
    if (isFirst) await this.#tell(model, payload);
  }

  async #tell(model: RecordModel, payload: Payload): Promise<void> {
    await this.#told.onReuse(model, { ...payload, jti: undefined });
  }
}
