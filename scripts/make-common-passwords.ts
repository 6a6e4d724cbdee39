/**
 * Writes config/common-passwords.txt from the list of zxcvbn-ts, which is kept and has the MIT
 * licence. Run by hand when a newer list is wanted; the package is not needed otherwise:
 *
 *     npm install --prefix .tmp --ignore-scripts @zxcvbn-ts/language-common@<version>
 *     node bin/run.mjs scripts/make-common-passwords.ts .tmp/node_modules/@zxcvbn-ts/language-common
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

interface LanguagePackage {
  readonly dictionary: { readonly 'passwords-common': Iterable<string> };
}

/** The policy refuses what is shorter anyway. */
const MIN_LENGTH = 8;

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('Name the folder of @zxcvbn-ts/language-common.');

const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
  version: string;
};
const entry = pathToFileURL(resolve(folder, 'dist/index.mjs')).href;
const { dictionary } = (await import(entry)) as LanguagePackage;
const passwords = Iterator.from(dictionary['passwords-common'])
  .map((password) => password.normalize('NFKC').toLowerCase())
  .filter((password) => Array.from(password).length >= MIN_LENGTH && !password.startsWith('#'));
const lines = [
  `# Common passwords of at least ${MIN_LENGTH} characters, from @zxcvbn-ts/language-common ${version}`,
  '# (MIT licence, https://github.com/zxcvbn-ts/zxcvbn). Made by scripts/make-common-passwords.ts;',
  '# own additions belong to common-passwords-zh.txt.',
  ...new Set(passwords),
];
writeFileSync('config/common-passwords.txt', `${lines.join('\n')}\n`);
console.log(`config/common-passwords.txt: ${lines.length - 3} passwords`);
