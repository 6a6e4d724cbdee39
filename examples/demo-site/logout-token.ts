/**
 * Checks logout tokens as OpenID Connect Back-Channel Logout 1.0 §2.6 asks for. A token that comes
 * twice is no error: the identity server repeats what it is not sure has arrived.
 */
import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';

const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
/** Longest a token is good for here, whatever its own `exp` says. */
const MAX_AGE_SECONDS = 300;

export interface LogoutOrder {
  subject: string | undefined;
  sid: string | undefined;
}

/** `unavailable`: the keys could not be had, the identity server should try again. */
export type LogoutVerdict =
  { ok: true; order: LogoutOrder } | { ok: false; reason: 'invalid' | 'unavailable' };

export interface LogoutTokenExpectations {
  issuer: string;
  clientId: string;
  jwksUri: string;
  /** The one registered as id_token_signed_response_alg. */
  algorithm: string;
}

export class LogoutTokenVerifier {
  readonly #keys = new Map<string, JWTVerifyGetKey>();

  async verify(token: string, expected: LogoutTokenExpectations): Promise<LogoutVerdict> {
    try {
      const { payload } = await jwtVerify(token, this.#keysAt(expected.jwksUri), {
        issuer: expected.issuer,
        audience: expected.clientId,
        algorithms: [expected.algorithm],
        typ: 'logout+jwt',
        requiredClaims: ['iss', 'aud', 'iat', 'exp', 'jti', 'events'],
        maxTokenAge: MAX_AGE_SECONDS,
        clockTolerance: 10,
      });
      if (!isLogout(payload)) return { ok: false, reason: 'invalid' };
      return { ok: true, order: { subject: payload.sub, sid: textOf(payload['sid']) } };
    } catch (error) {
      return { ok: false, reason: isAboutToken(error) ? 'invalid' : 'unavailable' };
    }
  }

  #keysAt(jwksUri: string): JWTVerifyGetKey {
    const keys = this.#keys.get(jwksUri) ?? createRemoteJWKSet(new URL(jwksUri));
    this.#keys.set(jwksUri, keys);
    return keys;
  }
}

/** jose reports keys that it could not fetch by these two codes, or by fetch's own error. */
function isAboutToken(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError)) return false;
  return error.code !== 'ERR_JWKS_TIMEOUT' && error.code !== 'ERR_JOSE_GENERIC';
}

/** An ID token must never pass for a logout token: hence the event, and no nonce. */
function isLogout(payload: JWTPayload): boolean {
  const events: unknown = payload['events'];
  if (!isObject(events) || !isObject(events[LOGOUT_EVENT]) || 'nonce' in payload) return false;
  return payload.sub !== undefined || textOf(payload['sid']) !== undefined;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined);
