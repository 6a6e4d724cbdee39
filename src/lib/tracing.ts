/** Traces as the house sees them; tracing/open-telemetry.ts makes them where they are asked for. */

/** What a request's span says, and nothing else of it: no query, body, cookie or handle. */
export interface TracedRequest {
  readonly method: string;
  /** By pattern. */
  readonly route: string;
  /** The peer's address; its `traceparent` counts only when it is a trusted proxy. */
  readonly peer: string;
  readonly traceparent: string | undefined;
}

export interface Tracing {
  /**
   * Runs the handling of a request in a span, the parent of what it does.
   *
   * @returns how to end the span, with the status of the answer
   */
  request(request: TracedRequest, run: () => void): (status: number) => void;
  /** Notes an operation that was begun and whose promise is this. */
  operation(name: string, begunAt: number, outcome: Promise<unknown>): void;
  /** Sends what is left. */
  stop(): Promise<void>;
}

/**
 * The same objects, whose asynchronous methods leave spans `name.method`. Arguments and results are
 * not looked at.
 */
export function traceCalls<Objects extends object>(tracing: Tracing, objects: Objects): Objects {
  const entries = Object.entries(objects).map(([name, target]: [string, unknown]) => [
    name,
    typeof target === 'object' && target !== null ? traced(tracing, name, target) : target,
  ]);
  return Object.fromEntries(entries) as Objects;
}

function traced(tracing: Tracing, name: string, target: object): object {
  return new Proxy(target, {
    get(_target, key) {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]): unknown => {
        const begunAt = performance.now();
        const result: unknown = Reflect.apply(member, target, args);
        if (result instanceof Promise) tracing.operation(`${name}.${String(key)}`, begunAt, result);
        return result;
      };
    },
  });
}
