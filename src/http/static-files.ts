/**
 * The files under /assets/: style sheets, small scripts, the mark. Read once at start and answered
 * from memory. A link made by `asset()` carries the file's hash, so that browsers may keep it for
 * ever and still see a new version at once.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Middleware } from 'koa';
import { AppError } from '#lib/errors.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};
const PREFIX = '/assets/';
const KEEP_FOR_EVER = 'public, max-age=31536000, immutable';

interface StaticFile {
  readonly content: Buffer;
  readonly type: string;
  /** First 16 characters of the base64url SHA-256; the `?v=` of links and the strong ETag. */
  readonly version: string;
}

export interface StaticFiles {
  /** Answers GET and HEAD below /assets/; anything else goes on to the next middleware. */
  readonly middleware: Middleware;
  /** `asset('tokens.css')` → `/assets/tokens.css?v=…`. @throws Error for an unknown file */
  readonly asset: (name: string) => string;
}

/** @param directory - folder whose files are served; files of other types than TYPES are not */
export function createStaticFiles(
  directory = fileURLToPath(new URL('../../views/assets', import.meta.url)),
): StaticFiles {
  const files = readFiles(directory);
  return {
    middleware: async (ctx, next) => {
      if (!ctx.path.startsWith(PREFIX)) {
        await next();
        return;
      }
      const file = files.get(ctx.path.slice(PREFIX.length));
      if (file === undefined) throw new AppError('request.not_found');
      if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
        throw new AppError('request.method_not_allowed');
      }
      ctx.status = 200;
      ctx.set('ETag', `"${file.version}"`);
      ctx.set('Cache-Control', ctx.query['v'] === file.version ? KEEP_FOR_EVER : 'no-cache');
      ctx.type = file.type;
      if (ctx.fresh) ctx.status = 304;
      else ctx.body = file.content;
    },
    asset: (name) => {
      const file = files.get(name);
      if (file === undefined) throw new Error(`no file views/assets/${name}`);
      return `${PREFIX}${name}?v=${file.version}`;
    },
  };
}

function readFiles(directory: string): ReadonlyMap<string, StaticFile> {
  const files = new Map<string, StaticFile>();
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const type = TYPES[extname(entry.name)];
    if (!entry.isFile() || type === undefined) continue;
    const path = join(entry.parentPath, entry.name);
    const content = readFileSync(path);
    const version = createHash('sha256').update(content).digest('base64url').slice(0, 16);
    files.set(relative(directory, path).split(sep).join('/'), { content, type, version });
  }
  return files;
}
