/**
 * Commands for a server on the embedded database: only one process may open it, so `npm run cli`
 * hands its command over to the server that has it, through a socket in the data folder (0700: who
 * can reach it could read the database as well).
 */
import { chmodSync, rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { runCommand, type CommandContext, type Print } from './commands.ts';
import type { Progress, ShowProgress } from './progress-display.ts';

/** A relative path, because socket paths are limited to about a hundred characters. */
const socketPath = (dataDirectory: string) =>
  process.platform === 'win32'
    ? String.raw`\\.\pipe\yirentong-control`
    : join(relative(process.cwd(), dataDirectory) || '.', 'control.sock');

const MAX_COMMAND_BYTES = 64 * 1024;

interface CommandRequest {
  readonly args: readonly string[];
  readonly workingDirectory: string;
}

/** What the server says, one JSON object a line; the exit code comes last. */
type Message =
  { readonly line: string } | { readonly progress: Progress } | { readonly exitCode: number };

/** Serves commands until it is closed. Call it only while holding the data folder's lock. */
export async function startControlSocket(
  dataDirectory: string,
  context: CommandContext,
): Promise<{ close(): void }> {
  const path = socketPath(dataDirectory);
  // We hold the lock, so a socket that is there belongs to a server that died.
  if (process.platform !== 'win32') rmSync(path, { force: true });
  const server = createServer({ allowHalfOpen: true }, (connection) => {
    let request = '';
    connection.setEncoding('utf8');
    connection.on('error', () => connection.destroy());
    connection.on('data', (chunk: string) => {
      request += chunk;
      if (request.length > MAX_COMMAND_BYTES) connection.destroy();
    });
    connection.on('end', () => {
      const say = (message: Message) => {
        if (connection.writable) connection.write(`${JSON.stringify(message)}\n`);
      };
      void answer(request, context, say).finally(() => connection.end());
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve());
  });
  if (process.platform !== 'win32') chmodSync(path, 0o600);
  server.unref();
  return { close: () => server.close() };
}

async function answer(request: string, context: CommandContext, say: (message: Message) => void) {
  const { args, workingDirectory } = JSON.parse(request) as CommandRequest;
  const showProgress: ShowProgress = (progress) => say({ progress });
  const ownContext = { ...context, workingDirectory, showProgress };
  say({ exitCode: await runCommand(args, ownContext, (line) => say({ line })) });
}

/**
 * Hands a command to the running server and shows what it says.
 *
 * @returns its exit code; undefined when no server answers there, or it ended before the command did
 */
export async function askRunningServer(
  dataDirectory: string,
  args: readonly string[],
  { print, showProgress }: { readonly print: Print; readonly showProgress: ShowProgress },
): Promise<number | undefined> {
  const connection = createConnection({ path: socketPath(dataDirectory), allowHalfOpen: true });
  const request: CommandRequest = { args, workingDirectory: process.cwd() };
  connection.on('connect', () => connection.end(JSON.stringify(request)));
  let exitCode: number | undefined;
  try {
    for await (const text of createInterface(connection)) {
      const message = JSON.parse(text) as Message;
      if ('line' in message) print(message.line);
      else if ('progress' in message) showProgress(message.progress);
      else exitCode = message.exitCode;
    }
  } catch {
    // Nobody listens there, or the server died: what came until then is all there is.
  }
  return exitCode;
}
