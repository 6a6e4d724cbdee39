/**
 * Settings from config/settings.json, config/settings.<environment>.json and the environment, the
 * later ones winning. Every mistake is reported at once, by the name the operator wrote.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { readVariable, type Environment } from './environment.ts';
import { settingsSchema, type Settings } from './settings.ts';

/** What is wrong with the settings; each line names the setting and what to write. */
export class SettingsInvalid extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`The settings cannot be used:\n${problems.map((line) => `  - ${line}`).join('\n')}`);
    this.name = 'SettingsInvalid';
    this.problems = problems;
  }
}

/** Variables without the YRT_ prefix, as every platform names them. */
const PLAIN_NAMES: Readonly<Record<string, string>> = {
  environment: 'NODE_ENV',
  issuer: 'ISSUER',
  databaseUrl: 'DATABASE_URL',
  redisUrl: 'REDIS_URL',
};
/** YRT_ variables that are read elsewhere: the key files of crypto/key-ring.ts. */
const KEY_VARIABLE = /^YRT_KEY_[A-Z_]+$/;

/** A leaf of the schema: its path, its environment variable, its schema. */
export interface SettingLeaf {
  readonly path: readonly string[];
  readonly variable: string;
  readonly schema: z.ZodType;
}

interface ObjectLike {
  readonly shape: Readonly<Record<string, z.ZodType>>;
}

/** Every single setting in schema order; also what the documentation's table is made from. */
export function settingLeaves(): SettingLeaf[] {
  return leavesOf(settingsSchema, []);
}

function leavesOf(schema: ObjectLike, path: readonly string[]): SettingLeaf[] {
  return Object.entries(schema.shape).flatMap(([name, member]) => {
    const here = [...path, name];
    const inner = objectInside(member);
    if (inner) return leavesOf(inner, here);
    return [{ path: here, variable: variableOf(here), schema: member }];
  });
}

function objectInside(schema: z.ZodType): ObjectLike | undefined {
  const unwrapped = 'unwrap' in schema ? (schema as z.ZodPrefault<z.ZodType>).unwrap() : schema;
  return unwrapped.def.type === 'object' ? (unwrapped as unknown as ObjectLike) : undefined;
}

/** `listen.port` → `YRT_LISTEN_PORT`, `dataDirectory` → `YRT_DATA_DIRECTORY`. */
export function variableOf(path: readonly string[]): string {
  const plain = PLAIN_NAMES[path.join('.')];
  const words = path.flatMap((part) => part.split(/(?=[A-Z])/));
  return plain ?? `YRT_${words.join('_').toUpperCase()}`;
}

type Json = Record<string, unknown>;

/**
 * @param directory - the config folder
 * @throws SettingsInvalid with every problem
 */
export function loadSettings(environment: Environment, directory = 'config'): Settings {
  const problems: string[] = [];
  const name = environment['NODE_ENV'] ?? 'development';
  const files = ['settings.json', `settings.${name}.json`].map((file) => join(directory, file));
  const merged: Json = {};
  for (const file of files) mergeInto(merged, readJson(file, problems));
  for (const leaf of settingLeaves()) applyVariable(merged, leaf, environment, problems);
  problems.push(...unknownVariables(environment));

  const result = settingsSchema.strict().safeParse(merged);
  if (!result.success) {
    for (const issue of result.error.issues) {
      const path = issue.path.map(String);
      problems.push(`${path.join('.') || 'settings'} (${variableOf(path)}): ${issue.message}`);
    }
  }
  if (!result.success || problems.length > 0) throw new SettingsInvalid(problems);
  return result.data;
}

function readJson(file: string, problems: string[]): Json {
  if (!existsSync(file)) return {};
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Json;
  } catch {
    problems.push(`${file}: not valid JSON`);
    return {};
  }
}

function mergeInto(target: Json, source: Json): void {
  for (const [key, value] of Object.entries(source)) {
    const mine = target[key];
    if (isPlainObject(mine) && isPlainObject(value)) mergeInto(mine, value);
    else target[key] = value;
  }
}

const isPlainObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function applyVariable(
  merged: Json,
  { path, variable }: SettingLeaf,
  environment: Environment,
  problems: string[],
): void {
  let value: string | undefined;
  try {
    value = readVariable(environment, variable);
  } catch (error) {
    problems.push((error as Error).message);
  }
  if (value === undefined || value === '') return;
  let target = merged;
  for (const part of path.slice(0, -1)) {
    const next = target[part];
    target = isPlainObject(next) ? next : (target[part] = {} as Json);
  }
  target[path.at(-1) ?? ''] = value;
}

/** A misspelt variable would silently leave a default in force. */
function unknownVariables(environment: Environment): string[] {
  const known = new Set(settingLeaves().flatMap(({ variable }) => [variable, `${variable}_FILE`]));
  return Object.keys(environment)
    .filter((name) => name.startsWith('YRT_') && !known.has(name) && !KEY_VARIABLE.test(name))
    .map((name) => `${name}: there is no such setting (docs/settings.md lists all)`);
}
