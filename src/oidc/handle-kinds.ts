/**
 * What kind of token a handle is, told by its first letter: whoever asks about a token without a
 * hint (RFC 7662 §2.1, RFC 7009 §2.1) makes the library try every kind, and a wrong one is answered
 * without a look-up. Handles made before have no letter and are looked up as ever.
 */
import type { RecordModel } from '#store/record-store.ts';

const LETTERS: Partial<Readonly<Record<RecordModel, string>>> = {
  AccessToken: 'a',
  ClientCredentials: 'm',
  RefreshToken: 'r',
};
/** A dot is in no handle that the library makes. */
const KIND = /^([a-z])\./;

/** @param handle - as the library makes it, or with a tag (store/handles.ts) */
export function withKind(model: RecordModel, handle: string): string {
  const letter = LETTERS[model];
  return letter === undefined ? handle : `${letter}.${handle}`;
}

export function isOfAnotherKind(model: RecordModel, handle: string): boolean {
  const letter = KIND.exec(handle)?.[1];
  return letter !== undefined && letter !== LETTERS[model];
}
