/**
 * Replay marks of client assertions, DPoP proofs and attestations (RFC 7523 §3, RFC 9449 §11.1). The
 * library's own check finds first and saves afterwards, so that parallel replays all pass.
 */
import type { Provider } from 'oidc-provider';
import type { Clock } from '#lib/clock.ts';
import type { RecordStore } from '#store/record-store.ts';

/** An `exp` beyond this is refused as unreasonable (RFC 7523 §3.4): its mark would be kept for ever. */
const LONGEST_SECONDS = 86_400;

/** Replaces `ReplayDetection.unique` of this provider; call it once, before the first request. */
export function installReplayDetection(
  provider: Provider,
  { records, clock }: { records: Pick<RecordStore, 'useOnce'>; clock: Clock },
): void {
  if (typeof provider.ReplayDetection.unique !== 'function') {
    throw new TypeError('oidc-provider has no ReplayDetection.unique any more.');
  }
  provider.ReplayDetection.unique = async (issuer, jti, expiresAt) =>
    expiresAt - clock.nowSeconds() <= LONGEST_SECONDS &&
    (await records.useOnce(`replay:${issuer}`, jti, expiresAt));
}
