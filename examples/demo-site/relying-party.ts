/**
 * All of OpenID Connect that a site needs, by openid-client: send the browser away, check what it
 * comes back with, renew, send it away to sign out.
 */
import * as oidc from 'openid-client';
import type { SiteRegistration } from './registration.ts';

/** Kept on our side between /login and /callback; each value is used once. */
export interface LoginChecks {
  state: string;
  nonce: string;
  codeVerifier: string;
}

export interface SignedIn {
  subject: string;
  /** The identity server's session; its logout token will name it. */
  sid: string | undefined;
  /** Needed as id_token_hint to sign out. */
  idToken: string;
  idTokenClaims: Record<string, unknown>;
  userinfo: Record<string, unknown>;
  refreshToken: string | undefined;
}

/** The login is over; `code` is OAuth's `error`, or openid-client's for an answer that is wrong. */
export class LoginRefused extends Error {
  readonly code: string;

  constructor(code: string, cause: unknown) {
    super(`login refused: ${code}`, { cause });
    this.name = 'LoginRefused';
    this.code = code;
  }
}

/** Failures of the network are thrown on as they are: those may be tried again. */
function refusalOf(error: unknown): never {
  if (error instanceof oidc.AuthorizationResponseError || error instanceof oidc.ResponseBodyError) {
    throw new LoginRefused(error.error, error);
  }
  const isNetwork = error instanceof oidc.ClientError && NETWORK_CODES.has(error.code ?? '');
  if (error instanceof oidc.ClientError && !isNetwork) {
    throw new LoginRefused(error.code ?? 'invalid_response', error);
  }
  throw error;
}

const NETWORK_CODES: ReadonlySet<string> = new Set([
  'OAUTH_TIMEOUT',
  'OAUTH_ABORT',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
]);

export class RelyingParty {
  readonly #site: SiteRegistration;
  readonly #issuer: URL;
  #configuration: Promise<oidc.Configuration> | undefined;

  constructor(site: SiteRegistration, issuer: string) {
    this.#site = site;
    this.#issuer = new URL(issuer);
  }

  /** Endpoints and keys by discovery, remembered once found: a failure is tried again next time. */
  discover(): Promise<oidc.Configuration> {
    const { clientId, clientSecret, idTokenAlgorithm } = this.#site;
    this.#configuration ??= oidc
      .discovery(
        this.#issuer,
        clientId,
        { id_token_signed_response_alg: idTokenAlgorithm },
        oidc.ClientSecretBasic(clientSecret),
        {
          timeout: 5,
          execute: [
            // ID tokens are verified with the published keys, not trusted for coming over TLS.
            oidc.enableNonRepudiationChecks,
            // Plain http is for the local demonstration only; a real issuer is https.
            ...(this.#issuer.protocol === 'http:' ? [oidc.allowInsecureRequests] : []),
          ],
        },
      )
      .catch((error: unknown) => {
        this.#configuration = undefined;
        throw error;
      });
    return this.#configuration;
  }

  /** @param extra - further request parameters, such as `login_hint` or `acr_values` */
  async beginLogin(extra: Record<string, string> = {}): Promise<{ url: URL; checks: LoginChecks }> {
    const configuration = await this.discover();
    const checks = {
      state: oidc.randomState(),
      nonce: oidc.randomNonce(),
      codeVerifier: oidc.randomPKCECodeVerifier(),
    };
    const url = oidc.buildAuthorizationUrl(configuration, {
      redirect_uri: this.#site.redirectUri,
      scope: this.#site.scope,
      state: checks.state,
      nonce: checks.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(checks.codeVerifier),
      code_challenge_method: 'S256',
      ...extra,
    });
    return { url, checks };
  }

  /**
   * Redeems the code; state, issuer, nonce, signature, audience and times are checked on the way.
   *
   * @param query - of the request to the redirect URI, `?code=…&state=…&iss=…`
   * @throws LoginRefused when the identity server said no, or its answer does not pass the checks
   */
  async finishLogin(query: string, checks: LoginChecks): Promise<SignedIn> {
    const configuration = await this.discover();
    const answer = new URL(`${this.#site.redirectUri}${query}`);
    const tokens = await oidc
      .authorizationCodeGrant(configuration, answer, {
        expectedState: checks.state,
        expectedNonce: checks.nonce,
        pkceCodeVerifier: checks.codeVerifier,
        idTokenExpected: true,
      })
      .catch(refusalOf);
    const claims = tokens.claims();
    if (!claims || !tokens.id_token) throw new Error('no ID token');
    return {
      subject: claims.sub,
      sid: typeof claims['sid'] === 'string' ? claims['sid'] : undefined,
      idToken: tokens.id_token,
      idTokenClaims: claims,
      // The third argument matters: it must be the same person as in the ID token.
      userinfo: await oidc.fetchUserInfo(configuration, tokens.access_token, claims.sub),
      refreshToken: tokens.refresh_token,
    };
  }

  /**
   * Fresh claims by the refresh token, which is replaced when the server sends another.
   *
   * @throws LoginRefused `invalid_grant`: consent withdrawn, account closed, signed out
   */
  async renew(person: SignedIn & { refreshToken: string }): Promise<SignedIn> {
    const configuration = await this.discover();
    const tokens = await oidc
      .refreshTokenGrant(configuration, person.refreshToken)
      .catch(refusalOf);
    return {
      ...person,
      userinfo: await oidc.fetchUserInfo(configuration, tokens.access_token, person.subject),
      idToken: tokens.id_token ?? person.idToken,
      refreshToken: tokens.refresh_token ?? person.refreshToken,
    };
  }

  /** Where to send the browser so that the person is signed out everywhere. */
  async logoutUrl(idToken: string): Promise<URL> {
    return oidc.buildEndSessionUrl(await this.discover(), {
      id_token_hint: idToken,
      post_logout_redirect_uri: this.#site.postLogoutRedirectUri,
    });
  }
}
