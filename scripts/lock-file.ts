/** The packages that package-lock.json pins, as the licence list, the SBOM and their tests read them. */
import { readFileSync } from 'node:fs';

export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  /** SPDX expression. */
  readonly license: string;
  /** Only for building and testing; never part of what is deployed. */
  readonly isDevelopment: boolean;
  /** Installed on some platforms only. */
  readonly isOptional: boolean;
  /** `sha512-…` in base64, as npm checks it. */
  readonly integrity: string | undefined;
  readonly resolved: string | undefined;
  /** `name@version` of what it imports, as it would be found from where it is installed. */
  readonly uses: readonly string[];
}

interface LockEntry {
  readonly version: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}
type Lock = Readonly<Record<string, LockEntry>>;

/**
 * Content that was copied from packages which are not deployed themselves: it is served, so its
 * licence counts.
 */
export const COPIED_CONTENT = [
  { name: 'lucide-static', license: 'ISC', where: 'views/icons/' },
  { name: '@zxcvbn-ts/language-common', license: 'MIT', where: 'config/common-passwords.txt' },
] as const;

const NODE_MODULES = 'node_modules/';
/** The path of our own package in the lock file. */
const ROOT = '';

export const idOf = ({ name, version }: { name: string; version: string }) => `${name}@${version}`;

/** Sorted by name and version; what is nested several times in one version counts once. */
export function lockedPackages(): LockedPackage[] {
  const lock = readLock();
  const found = new Map<string, LockedPackage>();
  for (const [path, entry] of Object.entries(lock)) {
    if (path === ROOT) continue;
    const one = packageAt(lock, path, entry);
    const before = found.get(idOf(one));
    const isDevelopment = one.isDevelopment && (before?.isDevelopment ?? true);
    const isOptional = one.isOptional && (before?.isOptional ?? true);
    const uses = [...new Set([...(before?.uses ?? []), ...one.uses])].sort();
    found.set(idOf(one), { ...one, isDevelopment, isOptional, uses });
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

/** `name@version` of what our own code imports. */
export function directlyUsed(): string[] {
  const lock = readLock();
  const own = lock[ROOT];
  return own ? usedFrom(lock, ROOT, own) : [];
}

function readLock(): Lock {
  const file = new URL('../package-lock.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { packages: Lock }).packages;
}

function packageAt(lock: Lock, path: string, entry: LockEntry): LockedPackage {
  const { version, license = 'unknown', dev = false, optional = false, integrity } = entry;
  return {
    ...{ name: nameAt(path), version, license, integrity, resolved: entry.resolved },
    ...{ isDevelopment: dev, isOptional: optional, uses: usedFrom(lock, path, entry) },
  };
}

const nameAt = (path: string) => path.slice(path.lastIndexOf(NODE_MODULES) + NODE_MODULES.length);

function usedFrom(lock: Lock, path: string, entry: LockEntry): string[] {
  const { dependencies, optionalDependencies, peerDependencies } = entry;
  const names = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
  const paths = names.map((name) => resolve(lock, path, name)).filter((at) => at !== undefined);
  return paths.map((at) => idOf({ name: nameAt(at), version: lock[at]?.version ?? '' })).sort();
}

/** Where an import is found: in the nearest node_modules on the way up. */
function resolve(lock: Lock, from: string, name: string): string | undefined {
  const path = `${from === ROOT ? '' : `${from}/`}${NODE_MODULES}${name}`;
  if (path in lock) return path;
  if (from === ROOT) return undefined;
  const parent = from.lastIndexOf(`/${NODE_MODULES}`);
  return resolve(lock, parent < 0 ? ROOT : from.slice(0, parent), name);
}
