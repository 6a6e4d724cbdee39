/**
 * The bill of materials of what is deployed, as CycloneDX 1.5 JSON, from the lock file: `npm run
 * sbom` prints it, `npm run sbom -- FILE` writes it. The same lock file gives the same bytes. (npm's
 * own `npm sbom --omit=dev` leaves out deployed packages that development packages use as well.)
 */
import { readFileSync, writeFileSync } from 'node:fs';
import {
  COPIED_CONTENT,
  directlyUsed,
  idOf,
  lockedPackages,
  type LockedPackage,
} from './lock-file.ts';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
}

export interface Component {
  readonly name: string;
  readonly version?: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
}

export interface BillOfMaterials {
  readonly bomFormat: 'CycloneDX';
  readonly specVersion: '1.5';
  readonly version: number;
  readonly metadata: object;
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

export function billOfMaterials(): BillOfMaterials {
  const file = new URL('../package.json', import.meta.url);
  const { name, version, license } = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
  const deployed = lockedPackages().filter((one) => !one.isDevelopment);
  const refs = new Set(deployed.map(idOf));
  const own = { 'bom-ref': idOf({ name, version }), type: 'application', name, version };
  const edges = (uses: readonly string[]) => uses.filter((ref) => refs.has(ref));
  return {
    ...{ bomFormat: 'CycloneDX', specVersion: '1.5', version: 1 },
    metadata: { component: { ...own, purl: purlOf({ name, version }), ...licensed(license) } },
    components: [...deployed.map(componentOf), ...COPIED_CONTENT.map(copiedComponent)],
    dependencies: [
      { ref: own['bom-ref'], dependsOn: edges(directlyUsed()) },
      ...deployed.map((one) => ({ ref: idOf(one), dependsOn: edges(one.uses) })),
    ],
  };
}

function componentOf(one: LockedPackage) {
  const { name, version, license, isOptional, integrity = '' } = one;
  const content = Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex');
  return {
    ...{ 'bom-ref': idOf(one), type: 'library', name, version, purl: purlOf(one) },
    scope: isOptional ? 'optional' : 'required',
    hashes: [{ alg: 'SHA-512', content }],
    ...licensed(license),
  };
}

function copiedComponent({ name, license, where }: (typeof COPIED_CONTENT)[number]) {
  const description = `content copied to ${where}`;
  return { 'bom-ref': `copied:${name}`, type: 'data', name, description, ...licensed(license) };
}

const licensed = (license: string) => ({
  licenses: [license.includes(' ') ? { expression: license } : { license: { id: license } }],
});

/** https://github.com/package-url/purl-spec: a scope's `@` is encoded, its slash is not. */
const purlOf = ({ name, version }: { name: string; version: string }) =>
  `pkg:npm/${name.replace('@', '%40')}@${version}`;

if (import.meta.main) {
  const text = `${JSON.stringify(billOfMaterials(), null, 2)}\n`;
  const [file] = process.argv.slice(2);
  if (file === undefined) process.stdout.write(text);
  else writeFileSync(file, text);
}
