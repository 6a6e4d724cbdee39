/** Which errors mean that the database is away for the moment, unlike a defect of ours. */

/** The pool's breaker is open, or its queue full; nothing was sent. */
export class DatabaseUnavailable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DatabaseUnavailable';
  }
}

/**
 * Connection exception, no privilege left for connections, operator intervention (a statement that
 * took too long among them): SQLSTATE 08, 53, 57; and 25006, a standby where the primary was.
 */
const STATES = /^(?:08|53|57)...$|^25006$/;
const UNREACHABLE: ReadonlySet<string> = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EPIPE'],
  ...['EHOSTUNREACH', 'ENETUNREACH'],
]);
/** What node-postgres says without a code. */
const MESSAGES =
  /Connection terminated|is not queryable|timeout expired|timeout exceeded when trying to connect/;

/** Whether another try soon may succeed. */
export function isOutage(error: unknown): boolean {
  const { code = '', name = '', message = '' } = error as Partial<NodeJS.ErrnoException>;
  return (
    name === 'KnexTimeoutError' ||
    name === 'DatabaseUnavailable' ||
    STATES.test(code) ||
    UNREACHABLE.has(code) ||
    MESSAGES.test(message)
  );
}

/** Errors after which the server of this connection, or its role, is another: none of its kind is kept. */
export const endsConnections = (code: string | undefined): boolean =>
  code !== undefined && /^(?:57P0[1-5]|25006|08...)$/.test(code);
