/** A Koa application on a free port for tests; an AppError is answered by its status alone. */
import type { AddressInfo } from 'node:net';
import Koa, { type Middleware } from 'koa';
import { AppError } from '#lib/errors.ts';

export interface KoaServer {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
  readonly close: () => Promise<void>;
}

export async function startKoa(...middleware: readonly Middleware[]): Promise<KoaServer> {
  const app = new Koa();
  app.use(async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      ctx.status = error.status;
    }
  });
  for (const each of middleware) app.use(each);
  return await serveKoa(app);
}

/** An application that the test made itself. */
export async function serveKoa(app: Koa): Promise<KoaServer> {
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
