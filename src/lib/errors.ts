/**
 * Every error a person can meet: code → HTTP status and log level. The text of each is `error.<code>`
 * in i18n/; the one place that answers with them is http/error-handler.ts.
 */
export const ERRORS = {
  'request.invalid': { status: 400, level: 'info' },
  'request.too_large': { status: 413, level: 'info' },
  'request.wrong_host': { status: 421, level: 'warn' },
  'request.not_found': { status: 404, level: 'info' },
  'request.method_not_allowed': { status: 405, level: 'info' },
  'request.csrf': { status: 403, level: 'warn' },
  'request.rate_limited': { status: 429, level: 'warn' },
  'interaction.expired': { status: 400, level: 'info' },
  'session.required': { status: 401, level: 'info' },
  'sign_in.locked': { status: 429, level: 'warn' },
  'server.busy': { status: 503, level: 'warn' },
  'server.unavailable': { status: 503, level: 'error' },
  'server.error': { status: 500, level: 'error' },
} as const satisfies Record<string, { status: number; level: 'info' | 'warn' | 'error' }>;

export type ErrorCode = keyof typeof ERRORS;

/** An expected failure, answered with the table's status and the text `error.<code>`. */
export class AppError extends Error {
  readonly code: ErrorCode;
  /** Values for the text's placeholders, and `retryAfterSeconds` for the Retry-After header. */
  readonly values: Readonly<Record<string, string | number>>;

  constructor(
    code: ErrorCode,
    values: Readonly<Record<string, string | number>> = {},
    options?: ErrorOptions,
  ) {
    super(code, options);
    this.name = 'AppError';
    this.code = code;
    this.values = values;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }
}
