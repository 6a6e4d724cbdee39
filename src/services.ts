/**
 * The only place that constructs things: from settings, keys and an open database to everything the
 * server and the commands use. Tests build the same with their own clock and settings.
 */
import type { Knex } from 'knex';
import { Provider } from 'oidc-provider';
import type { Logger } from 'pino';
import { createAccountStates } from '#accounts/account-states.ts';
import { Accounts } from '#accounts/accounts.ts';
import { Consents } from '#accounts/consents.ts';
import { IdentityDocuments } from '#accounts/identity-documents.ts';
import { AuditLog } from '#audit/audit-log.ts';
import { AuditRetention } from '#audit/retention.ts';
import { PasswordCredentials } from '#authenticators/password/credentials.ts';
import type { HashPermits } from '#authenticators/password/hash-queue.ts';
import { PasswordHasher } from '#authenticators/password/hasher.ts';
import { createAuthenticators } from '#authenticators/registry.ts';
import { ClientSecrets } from '#clients/client-secrets.ts';
import { Clients } from '#clients/clients.ts';
import type { Settings } from '#config/settings.ts';
import { BlindIndex } from '#crypto/blind-index.ts';
import { CookieSignerWithKeys } from '#crypto/cookie-signer.ts';
import type { KeyRing } from '#crypto/key-ring.ts';
import { Sealer } from '#crypto/sealing.ts';
import { SigningKeys } from '#crypto/signing-keys.ts';
import { AddressLimits } from '#http/address-limits.ts';
import { createEgress } from '#http/egress.ts';
import { FormTokens } from '#http/form-tokens.ts';
import { ReadyAnswers } from '#http/ready-answers.ts';
import { createRenderer } from '#http/render.ts';
import { originOf } from '#http/request-context.ts';
import type { FindSite } from '#http/site-hint.ts';
import { createStaticFiles } from '#http/static-files.ts';
import { Outbox } from '#jobs/outbox.ts';
import type { Clock } from '#lib/clock.ts';
import { parseRedisUrl } from '#lib/redis-url.ts';
import { systemOrigin } from '#lib/request-origin.ts';
import { traceCalls, type Tracing } from '#lib/tracing.ts';
import { createAdapterFactory } from '#oidc/adapter.ts';
import { createClientDirectory } from '#oidc/client-directory.ts';
import { Metrics } from '#metrics/metrics.ts';
import { brandOf, createProviderPages, startAgainHref } from '#oidc/pages.ts';
import { ProviderHolder } from '#oidc/provider-holder.ts';
import { longestRecordSeconds } from '#oidc/lifetimes.ts';
import { createProvider } from '#oidc/provider.ts';
import { SessionEnding } from '#oidc/session-ending.ts';
import { PREFERENCES_SCOPE } from '#routes/public-pages.ts';
import { AttemptLedger } from '#sign-in/attempt-ledger.ts';
import { KnownDevices } from '#sign-in/known-devices.ts';
import { levelProvenBy } from '#sign-in/levels.ts';
import { SignIn } from '#sign-in/sign-in.ts';
import { CachedSessionStore } from '#store/cached-session-store.ts';
import { ChangeFeed, HORIZON_SECONDS } from '#store/change-feed.ts';
import { MonthPartitions } from '#store/month-partitions.ts';
import { PostgresRecordStore } from '#store/postgres-record-store.ts';
import { PostgresSessionStore } from '#store/postgres-session-store.ts';
import type { RecordStore } from '#store/record-store.ts';
import { openRedis, type RedisLink } from '#store/redis/connection.ts';
import { SessionCopies } from '#store/redis/session-copies.ts';
import type { SessionStore } from '#store/session-store.ts';
import { RedisRecordStore } from '#store/redis/redis-record-store.ts';

export interface Foundations {
  readonly settings: Settings;
  readonly keys: KeyRing;
  /** Pool in the application's role. */
  readonly db: Knex;
  readonly clock: Clock;
  readonly log: Logger;
  /** Of a worker, whose supervisor shares the machine's cores; without, every core is ours. */
  readonly hashPermits?: HashPermits | undefined;
  /** Where traces are asked for. */
  readonly tracing?: Tracing | undefined;
}

/** What works on the database alone: all that the commands need. */
export function createRecords({ settings, keys, db, clock, log }: Foundations) {
  const sealer = new Sealer(keys.only('sealing'));
  const index = new BlindIndex(keys.only('index'));
  const documents = new IdentityDocuments({ db, sealer, index, clock });
  const clientSecrets = new ClientSecrets(keys.only('client_secret'));
  const feed = new ChangeFeed({
    db,
    // Removed records and announced outages must be known for as long as a record may live.
    horizonSeconds: Math.max(HORIZON_SECONDS, longestRecordSeconds(settings)),
    onFailure: (error) => log.error({ err: error }, 'changes of other nodes could not be read'),
  });
  return {
    ...{ index, documents, clientSecrets, feed, sealer },
    accounts: new Accounts({ db, sealer, index, documents, clock, feed }),
    consents: new Consents(db, clock),
    clients: new Clients({ db, secrets: clientSecrets, clock, feed }),
    credentials: new PasswordCredentials(db, clock),
    signingKeys: new SigningKeys({
      ...{ db, clock, sealer: new Sealer(keys.only('signing_wrap')) },
      announce: (trx) =>
        feed.publish([{ kind: 'signing_keys', key: '*', version: clock.now().getTime() }], trx),
    }),
    records: new PostgresRecordStore({ db, sealer, clock, feed }),
    sessions: new PostgresSessionStore({ db, sealer, clock, feed }),
    outbox: new Outbox({ db, sealer }),
    partitions: new MonthPartitions(db, settings.retention.deliveryRecordDays),
    retention: new AuditRetention({
      ...{ db, clock, settings: settings.retention },
      keys: keys.only('audit'),
    }),
    audit: new AuditLog({
      db,
      keys: keys.only('audit'),
      clock,
      settings: settings.audit,
      onCheckpoint: (checkpoint) => log.info({ checkpoint }, 'audit checkpoint'),
      onCheckpointFailure: (error) => log.error({ err: error }, 'audit checkpoint failed'),
    }),
  };
}

export type Records = Omit<ReturnType<typeof createRecords>, 'records' | 'sessions'> & {
  readonly records: RecordStore;
  readonly sessions: SessionStore;
};

/** With Redis, what lives minutes is there, and copies of what is durable. */
async function withRedis(
  { settings, clock, log }: Foundations,
  durable: ReturnType<typeof createRecords>,
): Promise<Records & { readonly redis: RedisLink | undefined }> {
  const target = parseRedisUrl(settings.redisUrl ?? '');
  if (!target) return { ...durable, redis: undefined };
  const redis = await openRedis({ target, prefix: settings.redisKeyPrefix, log });
  const { feed, sealer } = durable;
  return {
    ...{ ...durable, redis },
    records: new RedisRecordStore({
      ...{ feed, sealer, redis, clock, log, durable: durable.records },
      longestSeconds: longestRecordSeconds(settings),
      leftUntil: await durable.records.lastVolatileEnd(),
    }),
    sessions: new CachedSessionStore({
      ...{ feed, clock, durable: durable.sessions },
      copies: new SessionCopies({ redis, sealer }),
    }),
  };
}

export type Services = Awaited<ReturnType<typeof createServices>>;

/**
 * Everything of a running server.
 *
 * @throws NoSigningKeys before the first `keys rotate`
 */
export async function createServices(foundations: Foundations) {
  const { settings, keys, clock, log, tracing } = foundations;
  const plain = await withRedis(foundations, createRecords(foundations));
  const records = tracing ? traceCalls(tracing, plain) : plain;
  const cookies = new CookieSignerWithKeys(keys.only('cookies'));
  const formTokens = new FormTokens(keys.only('csrf'), settings.issuer);
  const staticFiles = createStaticFiles();
  const { renderPage } = createRenderer({
    operator: settings.operator,
    asset: staticFiles.asset,
    preferencesCsrf: (ctx) => formTokens.issue(ctx, PREFERENCES_SCOPE),
  });
  const egress = createEgress(settings.egress);
  const metrics = new Metrics();
  const desk = createSignInDesk(foundations, records, metrics);
  const holder = await startProvider(foundations, records, {
    ...{ cookies, renderPage, egress },
    attainable: levelProvenBy(desk.authenticators),
  });
  const provider = () => holder.current;
  const sessionEnding = new SessionEnding({ ...records, clients: () => provider().Client });
  const findSite: FindSite = async (clientId, ctx) => {
    const client = await provider().Client.find(clientId);
    return (
      client && {
        siteName: brandOf(client, ctx).name,
        startAgainHref: startAgainHref(client),
        homeHref: client.clientUri,
      }
    );
  };
  const readyAnswers = new ReadyAnswers({ issuer: settings.issuer, owner: provider });
  const pages = {
    ...{ settings, provider, formTokens, renderPage, readyAnswers, clock, sessionEnding },
    ...desk,
    ...records,
  };
  return {
    ...{ records, pages, cookies, staticFiles, findSite, egress, provider, holder, log, metrics },
    readyAnswers,
    ...desk,
  };
}

function createSignInDesk(foundations: Foundations, records: Records, metrics: Metrics) {
  const { settings, keys, db, clock } = foundations;
  const hasher = new PasswordHasher({
    settings: settings.password,
    pepperKeys: keys.only('pepper'),
    permits: foundations.hashPermits,
  });
  const { accounts, credentials, audit, index } = records;
  const ledger = new AttemptLedger({ db, clock, settings: settings.attempts });
  const devices = new KnownDevices({
    db,
    clock,
    knownDeviceDays: settings.attempts.knownDeviceDays,
  });
  const lifted = settings.testRealm !== '';
  const addresses = new AddressLimits({ db, clock, index, settings: settings.limits, lifted });
  return {
    hasher,
    ledger,
    devices,
    addresses,
    authenticators: createAuthenticators({ password: { hasher, credentials } }),
    signIn: new SignIn({
      ...{ accounts, ledger, devices, addresses, audit, index, clock },
      onAnswered: (method, outcome) => metrics.signIns.inc({ method, outcome }),
    }),
  };
}

type ProviderExtras = Pick<
  Parameters<typeof createProvider>[0],
  'cookies' | 'egress' | 'attainable'
> & { readonly renderPage: ReturnType<typeof createRenderer>['renderPage'] };

async function startProvider(
  { settings, keys, clock, log }: Foundations,
  records: Records,
  extras: ProviderExtras,
): Promise<ProviderHolder> {
  const { audit, sessions } = records;
  const findClient = createClientDirectory(records, settings.issuer);
  const accountStates = createAccountStates(records);
  const originNow = () => (Provider.ctx ? originOf(Provider.ctx) : undefined);
  const adapter = createAdapterFactory({
    records: records.records,
    sessions,
    audit,
    findClient: async (clientId) => (await findClient(clientId)).value,
    originNow,
    onReuse: async (model, { accountId, clientId }) => {
      await audit.record(
        'authn_token_reuse',
        {
          accountId: typeof accountId === 'string' ? accountId : undefined,
          clientId: String(clientId),
          kind: model === 'RefreshToken' ? 'refresh_token' : 'authorization_code',
        },
        originNow() ?? systemOrigin,
      );
    },
    onSessionEnded: async ({ accountId, uid: sessionUid }) => {
      const details = { accountId, sessionUid, reason: 'signed_out' as const };
      await audit.record('session_ended', details, originNow() ?? systemOrigin);
    },
  });
  const parts = {
    ...{ settings, adapter, clock, log, ...extras, ...records },
    findClient,
    findAccount: async (id: string) => (await accountStates.find(id)).value,
    pages: createProviderPages(extras.renderPage),
    pairwiseKeys: keys.only('pairwise'),
    sessionAcr: async (uid: string) => {
      const acr = (await sessions.findByUid(uid))?.payload['acr'];
      return typeof acr === 'string' ? acr : undefined;
    },
  };
  return await ProviderHolder.start({
    signingKeys: records.signingKeys,
    make: (jwks) => createProvider(parts, jwks),
    reloadSeconds: settings.signingKeys.reloadSeconds,
    onRotated: (listener) => records.feed.onChange('signing_keys', listener),
    onReloadFailure: (error) => log.error({ err: error }, 'signing keys could not be read'),
  });
}
