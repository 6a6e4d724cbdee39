/**
 * What one request has read and will ask for again: the Grant that came with a token, the record that
 * it is about to use up, the refresh token that its successor replaces. Each is taken once.
 */
import { Provider } from 'oidc-provider';
import type { FoundRecord, Payload, StoredPayload } from '#store/record-store.ts';

interface Remembered {
  readonly grants: Map<string, StoredPayload>;
  readonly found: Map<string, StoredPayload>;
  /** A refresh token that is used up when its successor is saved. */
  rotated?: string | undefined;
}

const memory = new WeakMap<object, Remembered>();

/** Of the request of the moment; undefined outside one, where nothing is remembered. */
function remembered(): Remembered | undefined {
  const { ctx } = Provider;
  if (!ctx) return undefined;
  const known = memory.get(ctx) ?? { grants: new Map(), found: new Map() };
  memory.set(ctx, known);
  return known;
}

export function rememberFound(handle: string, { payload, grant }: FoundRecord): void {
  const here = remembered();
  if (!here) return;
  here.found.set(handle, payload);
  const { grantId } = payload;
  if (grant && typeof grantId === 'string') here.grants.set(grantId, grant);
}

/** Taken, because the library changes what it gets. */
export function takeGrant(grantId: string): StoredPayload | undefined {
  const here = remembered();
  const grant = here?.grants.get(grantId);
  here?.grants.delete(grantId);
  return grant;
}

/** The Grant was changed: what came with a token is old. */
export function forgetGrant(grantId: string): void {
  remembered()?.grants.delete(grantId);
}

export const foundBefore = (handle: string): Payload | undefined => remembered()?.found.get(handle);

/** @returns false outside a token request, where a token is used up at once */
export function rememberRotation(usedHandle: string): boolean {
  const here = Provider.ctx?.oidc.route === 'token' ? remembered() : undefined;
  if (here) here.rotated = usedHandle;
  return here !== undefined;
}

export function takeRotation(): string | undefined {
  const here = remembered();
  const used = here?.rotated;
  if (here) here.rotated = undefined;
  return used;
}
