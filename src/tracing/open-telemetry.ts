/**
 * Traces by OpenTelemetry, sent by OTLP over HTTP. Loaded by server.ts only when `otel.endpoint` is
 * set: the packages cost some megabytes and a few milliseconds.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Tracer,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Settings } from '#config/settings.ts';
import type { TracedRequest, Tracing } from '#lib/tracing.ts';

export interface OpenTelemetryParts {
  readonly settings: Settings['otel'];
  /** Whether the peer is one of our proxies. */
  readonly isTrusted: (address: string) => boolean;
}

export class OpenTelemetry implements Tracing {
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;
  readonly #isTrusted: (address: string) => boolean;
  /** The request that is being handled, with its span. */
  readonly #current = new AsyncLocalStorage<Context>();

  constructor({ settings, isTrusted }: OpenTelemetryParts) {
    const exporter = new OTLPTraceExporter({ url: settings.endpoint ?? '' });
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': settings.serviceName }),
      sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(settings.sampleRatio) }),
      spanProcessors: [new BatchSpanProcessor({ exporter })],
    });
    this.#tracer = this.#provider.getTracer('yirentong');
    this.#isTrusted = isTrusted;
  }

  request(request: TracedRequest, run: () => void): (status: number) => void {
    const { method, route } = request;
    const parent = this.#parentOf(request);
    const span = this.#tracer.startSpan(
      `${method} ${route}`,
      {
        kind: SpanKind.SERVER,
        attributes: { 'http.request.method': method, 'http.route': route },
      },
      parent,
    );
    this.#current.run(trace.setSpan(parent, span), run);
    return (status) => {
      span.setAttribute('http.response.status_code', status);
      if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    };
  }

  operation(name: string, begunAt: number, outcome: Promise<unknown>): void {
    const parent = this.#current.getStore();
    // Background work has no request to belong to.
    if (parent === undefined || trace.getSpan(parent)?.isRecording() !== true) return;
    const startTime = performance.timeOrigin + begunAt;
    const span = this.#tracer.startSpan(name, { startTime }, parent);
    outcome.then(
      () => span.end(),
      () => {
        span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      },
    );
  }

  async stop(): Promise<void> {
    await this.#provider.shutdown();
  }

  /** W3C Trace Context §3.2; from anybody else it would let strangers write into our traces. */
  #parentOf({ peer, traceparent = '' }: TracedRequest): Context {
    const [, traceId = '', spanId = '', flags = ''] =
      /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent) ?? [];
    const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
    if (!isSpanContextValid(context) || !this.#isTrusted(peer)) return ROOT_CONTEXT;
    return trace.setSpanContext(ROOT_CONTEXT, context);
  }
}
