/** Operator commands on a test server's database, in this process. */
import { runCommand } from '#commands/commands.ts';
import type { TestDatabase } from './databases.ts';
import type { TestServer } from './test-server.ts';

/** @returns the exit code and what was printed */
export async function runOn(
  { foundations }: TestServer,
  { engine }: TestDatabase,
  ...args: readonly string[]
): Promise<{ exitCode: number; output: string }> {
  const lines: string[] = [];
  const exitCode = await runCommand(args, { ...foundations, engine }, (line) => lines.push(line));
  return { exitCode, output: lines.join('\n') };
}
