/**
 * Writes docs/licences.md from package-lock.json (`npm run licences`); with `--check` it only says
 * whether the file is up to date and every licence is one we may ship, which `npm run check` does.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { COPIED_CONTENT, lockedPackages, type LockedPackage } from './lock-file.ts';

const FILE = new URL('../docs/licences.md', import.meta.url);

/** Permissive: no duty but to keep the notices, which stay in each package's folder. */
const PERMISSIVE = new Set([
  ...['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'CC0-1.0'],
  ...['ISC', 'MIT', 'MIT-0', 'PostgreSQL', 'PSF-2.0', 'Unlicense', 'Zlib'],
]);
/** Used unchanged to test, never shipped: a licence that asks for the source of changes is no burden. */
const DEVELOPMENT_ONLY = new Set(['MPL-2.0']);

const INTRODUCTION = `# 第三方许可 Third-party licences

由 \`npm run licences\` 从 \`package-lock.json\` 生成，请勿手改。Generated; do not edit.

只允许宽松许可；许可全文随各软件包安装在 \`node_modules/<名称>/\`。Permissive licences only; each package's folder holds the full text.
`;

/** A choice is fine when one side is, a combination when both sides are (SPDX 2.3, annex D). */
export function isAllowed(license: string, isDevelopment = false): boolean {
  const bare = license.replace(/^\((.*)\)$/, '$1');
  const allowed = (part: string) => isAllowed(part, isDevelopment);
  if (bare.includes(' OR ')) return bare.split(' OR ').some(allowed);
  if (bare.includes(' AND ')) return bare.split(' AND ').every(allowed);
  return PERMISSIVE.has(bare) || (isDevelopment && DEVELOPMENT_ONLY.has(bare));
}

/** The whole of docs/licences.md. */
export function licencesDocument(packages: readonly LockedPackage[]): string {
  const shipped = packages.filter((one) => !one.isDevelopment);
  const others = packages.filter((one) => one.isDevelopment);
  const copied = COPIED_CONTENT.map(
    ({ name, license, where }) => `| \`${name}\` | ${license} | \`${where}\` |`,
  );
  return [
    INTRODUCTION,
    `## 随产品部署 Deployed (${shipped.length})\n`,
    table(shipped),
    `## 复制的内容 Copied content\n`,
    ['| From | Licence | Where |', '| --- | --- | --- |', ...copied, ''].join('\n'),
    `## 仅用于开发与测试 Development only (${others.length})\n`,
    table(others),
  ].join('\n');
}

function table(packages: readonly LockedPackage[]): string {
  const rows = packages.map(
    ({ name, version, license }) => `| \`${name}\` | ${version} | ${license} |`,
  );
  return ['| Package | Version | Licence |', '| --- | --- | --- |', ...rows, ''].join('\n');
}

if (import.meta.main) {
  const packages = lockedPackages();
  const problems = packages
    .filter(({ license, isDevelopment }) => !isAllowed(license, isDevelopment))
    .map(({ name, license }) => `${name}: the licence ${license} is not among the allowed ones.`);
  const text = licencesDocument(packages);
  if (!process.argv.includes('--check')) writeFileSync(FILE, text);
  else if (readFileSync(FILE, 'utf8') !== text) {
    problems.push('docs/licences.md is not up to date: run `npm run licences`.');
  }
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
}
