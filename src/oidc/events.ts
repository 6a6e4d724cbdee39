/**
 * What we hear from oidc-provider. Its events run inside the request and a listener that throws
 * would turn a finished answer into a 500 (PROVIDER-NOTES §2.11): nothing here may throw.
 */
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { Logger } from 'pino';
import { isOutage } from '#store/outage.ts';
import { originOf } from '#http/request-context.ts';
import { AppError } from '#lib/errors.ts';
import { mayRefresh } from './refresh-policy.ts';

export interface ListenerParts {
  readonly log: Logger;
}

export function listen(provider: Provider, { log }: ListenerParts): void {
  provider.on('authorization.success', keepLogoutComplete);
  provider.on('server_error', (ctx: KoaContextWithOIDC, error: Error) => {
    log.error({ ...requestOf(ctx), err: error }, 'the provider failed');
    // What is not recorded must not happen: the audit log says so with an error of ours.
    if (isOutage(error) || (error instanceof AppError && error.status === 503)) {
      answerUnavailable(ctx);
    }
  });
  const refused = (event: string) => (ctx: KoaContextWithOIDC, error: Error) => {
    log.info({ ...requestOf(ctx), event, code: error.message }, 'the provider refused');
  };
  provider.on('authorization.error', refused('authorization'));
  provider.on('end_session.error', refused('end_session'));
  provider.on('grant.error', refused('token'));
  provider.on('introspection.error', refused('introspection'));
  provider.on('pushed_authorization_request.error', refused('pushed_authorization_request'));
  provider.on('revocation.error', refused('revocation'));
  provider.on('userinfo.error', refused('userinfo'));
}

/** The library knows only 500; a client that is told to come back in a moment does (RFC 9110 §15.6.4). */
function answerUnavailable(ctx: KoaContextWithOIDC): void {
  // Authorization errors are sent back to the site, which is a redirect and stays one.
  if (ctx.status !== 500) return;
  ctx.status = 503;
  ctx.set('Retry-After', '5');
}

const requestOf = (ctx: KoaContextWithOIDC) => ({
  requestId: (originOf(ctx) as { requestId: string } | undefined)?.requestId,
  clientId: (ctx.oidc as typeof ctx.oidc | undefined)?.client?.clientId,
});

/**
 * The library lets tokens outlive a sign-out that do not ask for their session (`expiresWithSession`).
 * Here only apps that may refresh do: on a shared computer "退出登录" must mean it (ABUSE-CASES P-29).
 */
function keepLogoutComplete(ctx: KoaContextWithOIDC): void {
  const { client, session } = ctx.oidc;
  if (!client || !session) return;
  if (client.applicationType === 'native' && mayRefresh(client)) return;
  delete session.authorizations?.[client.clientId]?.persistsLogout;
}
