/** The environment variables of this process; the only file that may name `process.env`. */
import { readFileSync } from 'node:fs';

export type Environment = Readonly<Record<string, string | undefined>>;

export const processEnvironment: Environment = process.env;

/**
 * The value of a variable, or the content of the file that `<NAME>_FILE` points to (without the line
 * end), so that secrets can come from mounted files.
 *
 * @throws Error naming the variable when both are set or the file cannot be read
 */
export function readVariable(environment: Environment, name: string): string | undefined {
  const file = environment[`${name}_FILE`];
  if (file === undefined || file === '') return environment[name];
  if (environment[name] !== undefined) throw new Error(`set ${name} or ${name}_FILE, not both`);
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    throw new Error(`${name}_FILE: cannot read ${file}`, { cause });
  }
}
