/**
 * All page routes as one middleware: what comes before them (limits, form parsing) runs only for
 * them, and a path of ours with another method is 405, not somebody else's business.
 */
import Router from '@koa/router';
import type { Context, Middleware, Next } from 'koa';
import { AppError } from '#lib/errors.ts';

export interface PageRouterParts {
  readonly before: readonly Middleware[];
  readonly routers: readonly Router[];
}

export function createPageRouter({ before, routers }: PageRouterParts): Middleware {
  const root = new Router();
  for (const router of routers) root.use(router.routes());
  const routes = root.routes() as Middleware;
  const chain = [...before, routes];

  return async (ctx, next) => {
    const { path, pathAndMethod } = root.match(ctx.path, ctx.method);
    const own = path.filter((layer) => layer.methods.length > 0);
    if (own.length === 0) {
      await next();
      return;
    }
    const isHead = ctx.method === 'HEAD' && own.some((layer) => layer.methods.includes('GET'));
    if (!isHead && !pathAndMethod.some((layer) => layer.methods.includes(ctx.method))) {
      ctx.set('Allow', [...new Set(own.flatMap((layer) => layer.methods))].join(', '));
      throw new AppError('request.method_not_allowed');
    }
    await run(chain, ctx, next);
  };
}

async function run(chain: readonly Middleware[], ctx: Context, next: Next): Promise<void> {
  const [first, ...rest] = chain;
  if (first) await first(ctx, () => run(rest, ctx, next));
  else await next();
}
