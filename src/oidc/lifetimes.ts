/** How long everything of the protocol lives, from the settings. */
import type { Configuration } from 'oidc-provider';
import type { Settings } from '#config/settings.ts';
import type { Clock } from '#lib/clock.ts';

export function lifetimesOf(
  { lifetimes }: Settings,
  clock: Clock,
): NonNullable<Configuration['ttl']> {
  const longestRefresh = Math.max(lifetimes.refreshTokenSeconds, lifetimes.refreshTokenAppSeconds);
  return {
    AuthorizationCode: lifetimes.codeSeconds,
    AccessToken: lifetimes.accessTokenSeconds,
    ClientCredentials: lifetimes.accessTokenSeconds,
    IdToken: lifetimes.idTokenSeconds,
    Interaction: lifetimes.interactionSeconds,
    // A grant that ends before its refresh tokens would end them silently (PROVIDER-NOTES §0.4).
    Grant: longestRefresh + lifetimes.sessionAbsoluteSeconds,
    RefreshToken: (ctx, token, client) => {
      // Rotation keeps the end of the first token: the lifetime is absolute.
      const rotated = ctx.oidc.entities.RotatedRefreshToken ?? ctx.oidc.entities.RefreshToken;
      if (rotated?.exp !== undefined) return Math.max(1, rotated.exp - clock.nowSeconds());
      return client.applicationType === 'native'
        ? lifetimes.refreshTokenAppSeconds
        : lifetimes.refreshTokenSeconds;
    },
    Session: (_ctx, session) => {
      const idle = lifetimes.sessionIdleSeconds;
      const signedInAt = session.loginTs ?? clock.nowSeconds();
      const left = signedInAt + lifetimes.sessionAbsoluteSeconds - clock.nowSeconds();
      return Math.max(1, Math.min(idle, left));
    },
  };
}

/** Fixed by the library: pushed requests 60 s, device and CIBA requests at most this. */
const LIBRARY_SECONDS = 600;

/** Life of the longest-lived record that Redis may hold. */
export function longestRecordSeconds({ lifetimes }: Settings): number {
  return Math.max(lifetimes.codeSeconds, lifetimes.accessTokenSeconds, LIBRARY_SECONDS);
}
