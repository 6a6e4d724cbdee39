/** The offline list of passwords that attackers try first. Read once, at start. */
import { readFileSync } from 'node:fs';

const FOLDER = new URL('../../../config/', import.meta.url);
const LISTS = ['common-passwords.txt', 'common-passwords-zh.txt'];

/**
 * Reads the lists: one lower-case password a line, `#` begins a comment line.
 *
 * @throws the file system's error when a list cannot be read; the server must not start without it
 */
export function readCommonPasswords(): ReadonlySet<string> {
  const lines = LISTS.flatMap((name) => readFileSync(new URL(name, FOLDER), 'utf8').split('\n'));
  return new Set(lines.filter((line) => line !== '' && !line.startsWith('#')));
}
