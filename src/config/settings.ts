/**
 * Every setting of the server: one schema, unit in the name, one sentence each. The table in
 * docs/settings.md is generated from it (`npm run settings-table`), so a description here is what
 * an operator reads. load-settings.ts fills it from config/*.json and the environment.
 */
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { parseRedisUrl } from '#lib/redis-url.ts';

const port = (fallback: number) => z.coerce.number().int().min(0).max(65535).default(fallback);
const whole = (fallback: number, min = 1) => z.coerce.number().int().min(min).default(fallback);
/** A list in JSON files; in the environment one string with commas. */
const list = <Item extends z.ZodType<string>>(item: Item) =>
  z.preprocess(
    (value) =>
      typeof value === 'string'
        ? value
            .split(',')
            .map((part) => part.trim())
            .filter((part) => part !== '')
        : value,
    z.array(item).default([]),
  );
const cidr = z.union([z.cidrv4(), z.cidrv6()]);

const resourceServer = z.object({
  identifier: z.url().describe('Resource indicator (RFC 8707), also the token audience.'),
  scopes: z.array(z.string().min(1)).min(1).describe('Scopes that this API understands.'),
  accessTokenFormat: z.enum(['opaque', 'jwt']).default('opaque').describe('Form of its tokens.'),
});

export const settingsSchema = z.object({
  environment: z
    .enum(['development', 'test', 'production'])
    .default('development')
    .describe('NODE_ENV; production refuses to start with anything unsafe.'),
  issuer: z
    .url({ abort: true })
    .refine((value) => new URL(value).origin === value, 'must be an origin without path or slash')
    .default('http://localhost:3000')
    .describe('ISSUER; the public origin of this server, the only Host it answers to.'),
  databaseUrl: z
    .string()
    .optional()
    .describe(
      'DATABASE_URL; PostgreSQL connection string, several hosts with commas; embedded when absent.',
    ),
  migrationDatabaseUrl: z
    .string()
    .optional()
    .describe(
      'PostgreSQL connection of the tables’ owner, for `migrate`; databaseUrl when absent.',
    ),
  redisUrl: z
    .string()
    .refine(
      (value) => parseRedisUrl(value) !== undefined,
      'is not a Redis address; write redis://[user:password@]host:6379[/database], ' +
        'redis+sentinel://host1:26379,host2:26379/master-name or redis+cluster://host1:6379,host2:6379 ' +
        '(rediss instead of redis for TLS)',
    )
    .optional()
    .describe(
      'REDIS_URL; one server, Sentinels or a Cluster for what lives minutes; PostgreSQL holds it when absent.',
    ),
  redisKeyPrefix: z
    .string()
    .regex(/^[^{}]*$/, 'must not contain { or }')
    .default('yrt:')
    .describe('What every key in Redis begins with; its own for each installation on one Redis.'),
  database: z
    .object({
      poolSize: whole(10).describe('Connections to PostgreSQL per process.'),
      queueLength: whole(500).describe('Queries that may wait for one; more are refused with 503.'),
      acquireMilliseconds: whole(1000).describe('Longest wait for a connection of the pool.'),
      connectMilliseconds: whole(1000).describe('Longest wait for a new connection.'),
      statementMilliseconds: whole(2500).describe('Longest statement.'),
    })
    .prefault({}),
  dataDirectory: z.string().min(1).default('data').describe('Folder of the embedded database.'),
  keysDirectory: z.string().default('keys').describe('Folder of the secret key files (mode 0600).'),
  logLevel: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('Least severe log line that is written.'),
  trustedProxies: list(cidr).describe('Addresses whose X-Forwarded-* headers count.'),
  testRealm: z
    .string()
    .default('')
    .describe(
      'Lifts per-address limits for automated suites; in production it must name the issuer’s host.',
    ),
  workers: z
    .union([z.literal('auto'), z.coerce.number().int().min(0)])
    .default(0)
    .describe(
      'Processes that share the listener, or auto for one per core; 0: one, without a supervisor.',
    ),
  demo: z
    .stringbool()
    .or(z.boolean())
    .optional()
    .describe('Seed synthetic citizens and demo sites at start; on in development by default.'),

  listen: z
    .object({
      address: z.string().default('127.0.0.1').describe('Address the public listener binds to.'),
      port: port(3000).describe('Port of the public listener.'),
    })
    .prefault({}),
  probes: z
    .object({
      address: z.string().default('127.0.0.1').describe('Address of the probe listener.'),
      port: port(3002).describe('Port of /livez, /readyz and /metrics.'),
    })
    .prefault({}),
  overload: z
    .object({
      requestsInFlight: whole(500).describe(
        'Requests in flight per process, above which pages are refused with 503; programs at twice.',
      ),
      eventLoopMilliseconds: whole(100).describe(
        'Delay of the event loop over half a second, above which pages are refused; programs at twice.',
      ),
      requestMilliseconds: whole(10_000).describe('Longest request; then it is answered with 503.'),
    })
    .prefault({}),
  shutdown: z
    .object({
      waitSeconds: z.coerce
        .number()
        .min(0)
        .optional()
        .describe(
          'From unready to stop accepting, for balancers to notice; 5 in production, else 0.',
        ),
      drainSeconds: whole(15, 0).describe('Longest that requests in flight may take after that.'),
    })
    .prefault({}),
  otel: z
    .object({
      endpoint: z
        .url()
        .optional()
        .describe(
          'Where OpenTelemetry traces go, OTLP over HTTP (…:4318/v1/traces); none when absent.',
        ),
      serviceName: z.string().default('yirentong').describe('Name of this service in traces.'),
      sampleRatio: z.coerce
        .number()
        .min(0)
        .max(1)
        .default(0.1)
        .describe('Share of requests that are traced; a trusted proxy may have decided already.'),
    })
    .prefault({}),
  operator: z
    .object({
      name: z.string().default('').describe('Who runs this service, shown in the footer.'),
      filing: z.string().default('').describe('ICP 备案 number, shown in the footer.'),
      policeFiling: z.string().default('').describe('公安备案 number, shown in the footer.'),
      helpPhone: z.string().default('').describe('Help line shown on pages, e.g. 12345.'),
    })
    .prefault({}),
  egress: z
    .object({
      allowedPrivateCidrs: list(cidr).describe(
        'Private networks that outbound requests may reach; no other special-use address is.',
      ),
      timeoutMilliseconds: whole(3000).describe('Longest outbound request.'),
      maxResponseBytes: whole(65536).describe('Largest outbound answer that is read.'),
    })
    .prefault({}),
  password: z
    .object({
      memoryKibibytes: whole(19456, 8).describe('Argon2id memory per hash.'),
      passes: whole(2).describe('Argon2id iterations.'),
      queueLength: whole(64, 0).describe('Hashes that may wait; more are refused with 503.'),
      minLength: whole(8).describe('Shortest password with three of four character classes.'),
      minLengthAnyClass: whole(15).describe('Length from which character classes do not matter.'),
      maxLength: whole(256).describe('Longest password in characters; longer is refused unhashed.'),
    })
    .prefault({}),
  attempts: z
    .object({
      maxPerWindow: whole(5).describe('Wrong answers per account and device in one window.'),
      windowSeconds: whole(60).describe('Length of that window.'),
      lockSeconds: whole(30).describe('First lock after too many wrong answers in a row; doubles.'),
      maxLockSeconds: whole(3600).describe('Longest lock.'),
      disableAfter: whole(50).describe('Wrong answers in a row after which the factor is off.'),
      knownDeviceDays: whole(365).describe('How long a device counts as known after a sign-in.'),
    })
    .prefault({}),
  limits: z
    .object({
      signInsPerAddress: whole(20).describe('Sign-in attempts per address and 60 s.'),
      requestsPerAddress: whole(300).describe('Requests per address and 300 s on sign-in pages.'),
    })
    .prefault({}),
  lifetimes: z
    .object({
      codeSeconds: whole(60).describe('Authorization code.'),
      accessTokenSeconds: whole(300).describe('Access token.'),
      idTokenSeconds: whole(300).describe('ID token.'),
      refreshTokenSeconds: whole(86400).describe('Refresh token of web sites, absolute.'),
      refreshTokenAppSeconds: whole(2592000).describe('Refresh token of native apps, absolute.'),
      interactionSeconds: whole(600).describe('One sign-in, from the first page to the last.'),
      sessionIdleSeconds: whole(1800).describe('Citizen session without use.'),
      sessionAbsoluteSeconds: whole(43200).describe('Citizen session at most.'),
      stepUpFreshSeconds: whole(300).describe('How long a proven factor counts for a step-up.'),
    })
    .prefault({}),
  sessionsPerAccount: whole(20).describe('Live sessions of one person; the oldest ends first.'),
  outbox: z
    .object({
      firstRetrySeconds: whole(1).describe('Wait before the first retry; doubles each time.'),
      maxRetrySeconds: whole(3600).describe('Longest wait between retries.'),
      giveUpSeconds: whole(86400).describe('Age after which a delivery is given up.'),
    })
    .prefault({}),
  audit: z
    .object({
      checkpointSeconds: whole(60).describe('Longest time between signed checkpoints.'),
      checkpointEvents: whole(1000).describe('Most events between signed checkpoints.'),
    })
    .prefault({}),
  retention: z
    .object({
      auditDays: whole(180, 180).describe('How long audit rows are kept; they go by the month.'),
      longLivedAuditDays: whole(1096, 1096).describe(
        'The same for rows of administration, mandates and consents.',
      ),
      deliveryRecordDays: whole(60, 30).describe('The same for attempts to deliver notices.'),
    })
    .prefault({}),
  signingKeys: z
    .object({
      publishAheadSeconds: whole(86400).describe('How long the next key is published before use.'),
      keepSeconds: whole(2592000).describe('How long the previous key stays published.'),
      reloadSeconds: whole(5).describe('How often a server looks for rotated keys.'),
    })
    .prefault({}),
  resourceServers: z.array(resourceServer).default([]).describe('APIs that access tokens are for.'),
});

/** Settings after defaults and checks; read-only for the life of the process. */
export type Settings = z.output<typeof settingsSchema>;

const PRODUCTION_WAIT_SECONDS = 5;

/** The times of a shutdown (DESIGN §11), as http/listener.ts takes them. */
export function stopMilliseconds({ environment, shutdown }: Settings) {
  const wait = shutdown.waitSeconds ?? (environment === 'production' ? PRODUCTION_WAIT_SECONDS : 0);
  return { waitMilliseconds: wait * 1000, drainMilliseconds: shutdown.drainSeconds * 1000 };
}

/** Processes of a machine: the setting, or one per core. */
export const workersOf = ({ workers }: Settings): number =>
  workers === 'auto' ? availableParallelism() : workers;
