/**
 * The places where oidc-provider itself is changed, all of them here (PROVIDER-NOTES §6.3). Each is
 * looked up before it is replaced: with a version that has it no more, the server does not start.
 */
import type { Client, Provider } from 'oidc-provider';
import type { ClientSecrets } from '#clients/client-secrets.ts';
import type { Outbox } from '#jobs/outbox.ts';
import type { Clock } from '#lib/clock.ts';
import { withTag } from '#store/handles.ts';
import type { RecordModel, RecordStore } from '#store/record-store.ts';
import type { ClientDirectory } from './client-directory.ts';
import { createClientInstances } from './client-instances.ts';
import { withKind } from './handle-kinds.ts';
import { installBackchannelOutbox } from './backchannel-logout.ts';
import { installReplayDetection } from './replay-detection.ts';

export interface PatchParts {
  readonly clientSecrets: ClientSecrets;
  readonly findClient: ClientDirectory;
  readonly records: RecordStore;
  readonly outbox: Outbox;
  readonly clock: Clock;
}

type Prototype = Record<string, unknown>;

export function patchProvider(provider: Provider, parts: PatchParts): void {
  const client = provider.Client.prototype as unknown as Prototype;

  // The library's own cache holds a hundred clients (client-instances.ts).
  const make = provider.Client.find.bind(provider.Client);
  replace(
    provider.Client as unknown as Prototype,
    'find',
    createClientInstances(parts.findClient, make),
  );
  // Secrets are kept as keyed hashes; `clientSecret` holds the hash (client-directory.ts).
  replace(client, 'compareClientSecret', function compare(this: Client, given: string): boolean {
    return parts.clientSecrets.matches(this.clientSecret ?? '', given);
  });
  // Every site may know which session a token belongs to, to end its own when told.
  replace(client, 'includeSid', () => true);
  const { AccessToken, AuthorizationCode, ClientCredentials, RefreshToken } = provider;
  // A token or code names the slot of its Grant in Redis, so that both are read at once.
  for (const model of [AccessToken, AuthorizationCode]) changeHandles(model, tagged);
  // A token says what kind it is, so that it is not looked for among the others.
  for (const model of [AccessToken, ClientCredentials, RefreshToken]) changeHandles(model, named);
  // Sign-out must not wait for the slowest site, and a notice must not be lost (§0.6).
  installBackchannelOutbox(provider, parts.outbox);
  // The library looks and then writes; of two concurrent assertions both would pass (§2.6).
  installReplayDetection(provider, parts);
}

/** A token or code that is about to be saved. */
interface Unsaved {
  readonly kind: RecordModel;
  readonly grantId?: string;
  readonly format?: string;
}

const tagged = ({ grantId }: Unsaved, handle: string) =>
  grantId === undefined ? handle : withTag(grantId, handle);
const named = ({ kind }: Unsaved, handle: string) => withKind(kind, handle);

/** The `jti` of a JWT stays as it is: nobody looks it up. */
function changeHandles(
  model: { readonly prototype: object },
  change: (token: Unsaved, handle: string) => string,
): void {
  const prototype = model.prototype as Prototype;
  const original = prototype['generateTokenId'];
  replace(prototype, 'generateTokenId', function generate(this: Unsaved): string {
    const handle = (original as (this: Unsaved) => string).call(this);
    return (this.format ?? 'opaque') === 'opaque' ? change(this, handle) : handle;
  });
}

function replace(target: Prototype, name: string, replacement: unknown): void {
  if (typeof target[name] !== 'function') {
    throw new Error(`oidc-provider has no ${name}; this version was not checked with our patches`);
  }
  target[name] = replacement;
}
