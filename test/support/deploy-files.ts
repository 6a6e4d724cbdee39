/** The files under deploy/ and beside the Dockerfile, as their tests read them. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { settingLeaves } from '#config/load-settings.ts';
import { keyPurposes } from '#crypto/key-ring.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export type Json = Readonly<Record<string, unknown>>;

/** @param path - from the root of the repository */
export const readText = (path: string) => readFileSync(ROOT + path, 'utf8');

export const isThere = (path: string) => existsSync(ROOT + path);

export const filesLike = (pattern: string) => globSync(pattern, { cwd: ROOT }).sort();

/** Every document of a YAML file, with `<<` merged; a mistake or a key given twice throws. */
export function readYaml(path: string): Json[] {
  return parseAllDocuments(readText(path), { merge: true }).map((document) => {
    const [problem] = [...document.errors, ...document.warnings];
    if (problem) throw problem;
    return document.toJS() as Json;
  });
}

/** What stands at `a.b.0.c`; undefined where the way ends. */
export function at(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, key) => (inner as Json | undefined)?.[key], value);
}

/** Every environment variable that the server reads. */
export const knownVariables: ReadonlySet<string> = new Set(
  [
    ...settingLeaves().map(({ variable }) => variable),
    ...keyPurposes.map((purpose) => `YRT_KEY_${purpose.toUpperCase()}`),
  ].flatMap((name) => [name, `${name}_FILE`]),
);
