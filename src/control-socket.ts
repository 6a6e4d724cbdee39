/**
 * Commands for a server on the embedded database: only one process may open it, so `npm run cli`
 * hands its command over to the server that has it, through a socket in the data folder (0700: who
 * can reach it could read the database as well).
 */
import { chmodSync, rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { join, relative } from 'node:path';
import { runCommand, type CommandContext } from './commands.ts';

/** A relative path, because socket paths are limited to about a hundred characters. */
const socketPath = (dataDirectory: string) =>
  process.platform === 'win32'
    ? String.raw`\\.\pipe\yirentong-control`
    : join(relative(process.cwd(), dataDirectory) || '.', 'control.sock');

const MAX_COMMAND_BYTES = 64 * 1024;

interface CommandResult {
  readonly output: string;
  readonly exitCode: number;
}

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
      void answer(request, context).then((result) => connection.end(JSON.stringify(result)));
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

async function answer(request: string, context: CommandContext): Promise<CommandResult> {
  const lines: string[] = [];
  const args = JSON.parse(request) as string[];
  const exitCode = await runCommand(args, context, (line) => lines.push(line));
  return { output: lines.join('\n'), exitCode };
}

/**
 * Hands a command to the running server.
 *
 * @returns undefined when no server answers there
 */
export function askRunningServer(
  dataDirectory: string,
  args: readonly string[],
): Promise<CommandResult | undefined> {
  return new Promise((resolve) => {
    const connection = createConnection({ path: socketPath(dataDirectory), allowHalfOpen: true });
    let response = '';
    connection.setEncoding('utf8');
    connection.on('connect', () => connection.end(JSON.stringify(args)));
    connection.on('data', (chunk: string) => (response += chunk));
    connection.on('error', () => resolve(undefined));
    connection.on('end', () => resolve(JSON.parse(response) as CommandResult));
  });
}
