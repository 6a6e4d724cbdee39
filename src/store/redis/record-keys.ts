/**
 * How records are named in Redis: prefix, one letter for the model, the hash tag of their Grant where
 * the handle tells it, SHA-256 of the handle. Nothing in a name can be presented as a handle.
 */
import { hashOf, tagIn, tagOf } from '#store/handles.ts';
import { MODEL_PLACEMENT } from '#store/model-placement.ts';
import type { RecordModel } from '#store/record-store.ts';

export type VolatileModel = Exclude<RecordModel, 'Grant' | 'Interaction' | 'RefreshToken'>;

const LETTERS: Readonly<Record<VolatileModel, string>> = {
  AccessToken: 'a',
  AuthorizationCode: 'c',
  BackchannelAuthenticationRequest: 'b',
  ClientCredentials: 'm',
  DeviceCode: 'd',
  InitialAccessToken: 'j',
  PushedAuthorizationRequest: 'p',
  RegistrationAccessToken: 'r',
};
const GRANT_LETTER = 'g';
const USER_CODE_LETTER = 'u';

/** Models that Redis may hold; the others are rows in PostgreSQL whatever else runs. */
export const isVolatile = (model: RecordModel): model is VolatileModel =>
  !MODEL_PLACEMENT[model].durable;

export class RecordKeys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  record(model: VolatileModel, handle: string): string {
    const tag = tagIn(handle);
    const slot = tag === undefined ? '' : `{${tag}}`;
    return this.#prefix + LETTERS[model] + slot + hashOf(handle).toString('base64url');
  }

  /** The copy of the Grant that a tagged handle belongs to, in the slot of its record. */
  grantOf(handle: string): string | undefined {
    const tag = tagIn(handle);
    return tag === undefined ? undefined : this.#grant(tag);
  }

  grant(grantHash: Buffer): string {
    return this.#grant(tagOf(grantHash));
  }

  userCode(model: VolatileModel, userCode: string): string {
    const hash = hashOf(userCode).toString('base64url');
    return this.#prefix + USER_CODE_LETTER + LETTERS[model] + hash;
  }

  #grant(tag: string): string {
    return `${this.#prefix}${GRANT_LETTER}{${tag}}`;
  }
}
