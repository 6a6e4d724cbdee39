/**
 * The log: JSON lines by pino. What must never be logged (DESIGN §9.12) is kept out where lines are
 * written; this is the second net, by key and by pattern, under every line and every error.
 */
import { pino, type DestinationStream, type Logger } from 'pino';
import type { Settings } from './settings.ts';

const SECRET_KEY =
  /^(?:.*_)?(?:password|secret|token|code|cookie|authorization|assertion|verifier|handle|seed|jwk|id_number|phone|email|name_sealed)$/i;
/** Keys that look secret by name and are not: status codes of errors, client-side codes. */
const HARMLESS_KEYS: ReadonlySet<string> = new Set(['code', 'errorCode']);

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/eyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g, '[jwt]'],
  [/\b\d{6}(?:19|20)\d{9}[\dXx]\b/g, '[id number]'],
  [/(?<![\d.])(?:\+?86)?1[3-9]\d{9}(?!\d)/g, '[phone]'],
  [/[\w.+-]+@[\w-]+\.[\w.-]+/g, '[mail]'],
  [/(?<=[?&][\w.-]+=)[^&\s"']+/g, '[value]'],
  [/\b(postgres(?:ql)?|rediss?):\/\/[^\s@/]*@/g, '$1://[credentials]@'],
];

/** What each of the patterns needs; most texts have none of it, and searching once is cheaper. */
const SUSPICIOUS = /eyJ|\d{10}|@|[?&][\w.-]+=/;

/** A text without what looks like personal data or a secret. */
export function scrub(text: string): string {
  if (!SUSPICIOUS.test(text)) return text;
  return PATTERNS.reduce((clean, [pattern, label]) => clean.replaceAll(pattern, label), text);
}

/**
 * Lines gather for at most a quarter of a second and are then written together: a write for each
 * would cost more than the line. What goes wrong is written at once, and so is everything before it.
 */
const GATHER = {
  ...{ dest: 1, sync: false, minLength: 4096, periodicFlush: 250 },
  /** When nobody reads them: newer lines are dropped before memory runs out. */
  maxLength: 16 * 2 ** 20,
};
const LEVEL_ERROR = pino.levels.values['error'] ?? 0;

/** @param destination - standard output when absent */
export function createLogger(
  settings: Pick<Settings, 'logLevel'>,
  destination?: DestinationStream,
): Logger {
  const gathered = destination ? undefined : pino.destination(GATHER);
  const options = {
    level: settings.logLevel,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    // formatters.log has described the error by then; pino's own serializer would not know it again.
    serializers: { err: (described: unknown) => described },
    formatters: {
      level: (label: string) => ({ level: label }),
      log: (line: Record<string, unknown>) => scrubbed(line, 0) as Record<string, unknown>,
    },
    hooks: {
      logMethod(
        this: Logger,
        args: Parameters<Logger['info']>,
        method: Logger['info'],
        level: number,
      ) {
        const clean = args.map((arg) => (typeof arg === 'string' ? scrub(arg) : arg));
        method.apply(this, clean as Parameters<Logger['info']>);
        if (level >= LEVEL_ERROR) gathered?.flush();
      },
    },
  };
  return pino(options, destination ?? gathered);
}

const MAX_DEPTH = 4;

function scrubbed(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return scrub(value);
  if (value instanceof Error) return describeError(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64url');
  if (depth >= MAX_DEPTH) return '[deep]';
  if (Array.isArray(value)) return value.map((item) => scrubbed(item, depth + 1));
  const clean: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const isSecret = typeof item === 'string' && isSecretKey(key);
    clean[key] = isSecret ? '[secret]' : scrubbed(item, depth + 1);
  }
  return clean;
}

const MAX_JUDGED_KEYS = 1000;
/** Keys are written in the code and few; each is judged once. */
const judgedKeys = new Map<string, boolean>();

function isSecretKey(key: string): boolean {
  const known = judgedKeys.get(key);
  if (known !== undefined) return known;
  const isSecret = SECRET_KEY.test(key) && !HARMLESS_KEYS.has(key);
  if (judgedKeys.size < MAX_JUDGED_KEYS) judgedKeys.set(key, isSecret);
  return isSecret;
}

/** Of an error only type, code, message and stack: a driver's `detail` quotes the row. */
function describeError(error: Error): Record<string, unknown> {
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    message: scrub(error.message),
    ...(typeof code === 'string' && { code }),
    stack: scrub(error.stack ?? ''),
    ...(error.cause instanceof Error && { cause: describeError(error.cause) }),
  };
}
