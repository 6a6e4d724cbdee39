import { readFileSync } from 'node:fs';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { expect } from 'chai';
import { isAllowed } from '../../../scripts/licences.ts';
import { idOf, lockedPackages } from '../../../scripts/lock-file.ts';
import { billOfMaterials } from '../../../scripts/sbom.ts';

const manifest = JSON.parse(
  readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
) as Record<'dependencies' | 'optionalDependencies' | 'devDependencies', Record<string, string>>;
const direct = {
  ...manifest.dependencies,
  ...manifest.optionalDependencies,
  ...manifest.devDependencies,
};

describe('the supply chain', () => {
  it('pins every direct dependency to one version', () => {
    const loose = Object.entries(direct).filter(([, range]) => !/^\d+\.\d+\.\d+$/.test(range));
    expect(loose).to.deep.equal([]);
  });

  it('locks every package with its hash and without the address of a registry', () => {
    const packages = lockedPackages();
    expect(packages.filter(({ integrity }) => !integrity?.startsWith('sha512-'))).to.deep.equal([]);
    expect(packages.filter(({ resolved }) => resolved !== undefined)).to.deep.equal([]);
    expect(packages.length).to.be.greaterThan(100);
  });

  it('ships permissive licences only', () => {
    for (const license of ['GPL-3.0-only', 'AGPL-3.0-or-later', 'SSPL-1.0', 'MPL-2.0', 'unknown']) {
      expect(isAllowed(license), license).to.equal(false);
      expect(isAllowed(`MIT AND ${license}`), license).to.equal(false);
    }
    expect(isAllowed('(MIT OR GPL-3.0-only)')).to.equal(true);
    const refused = lockedPackages().filter((one) => !isAllowed(one.license, one.isDevelopment));
    expect(refused.map(idOf)).to.deep.equal([]);
  });
});

describe('the bill of materials', () => {
  const made = billOfMaterials();
  const text = JSON.stringify(made);

  it('is valid CycloneDX 1.5', async () => {
    const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot5);
    expect(await validator.validate(text)).to.equal(null);
    const nonsense = text.replace('"application"', '"nonsense"');
    expect(await validator.validate(nonsense)).not.to.equal(null);
  });

  it('lists every deployed package with its hash, and nothing that only builds or tests', () => {
    const packages = made.components.filter(({ version }) => version !== undefined);
    const deployed = lockedPackages().filter((one) => !one.isDevelopment);
    expect(packages.map(({ name, version = '' }) => idOf({ name, version }))).to.have.members(
      deployed.map(idOf),
    );
    const unhashed = packages.filter(({ hashes }) => hashes?.[0]?.content.length !== 128);
    expect(unhashed).to.deep.equal([]);
  });

  it('tells who uses each of them, from the server on', () => {
    const uses = new Map(made.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
    const reached = new Set<string>();
    const follow = (ref: string): void => {
      if (reached.has(ref)) return;
      reached.add(ref);
      uses.get(ref)?.forEach(follow);
    };
    follow(made.dependencies[0]?.ref ?? '');
    expect(
      made.dependencies.map(({ ref }) => ref).filter((ref) => !reached.has(ref)),
    ).to.deep.equal([]);
  });
});
