import { createSecretKey } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { BlindIndex } from '#crypto/blind-index.ts';
import {
  createMissingKeyFiles,
  KeyFilesUnusable,
  keyPurposes,
  KeyRing,
  loadKeyRing,
  type SecretKey,
} from '#crypto/key-ring.ts';

const problemsOf = (directory: string): readonly string[] => {
  try {
    loadKeyRing(directory);
    return [];
  } catch (error) {
    if (error instanceof KeyFilesUnusable) return error.problems;
    throw error;
  }
};

describe('crypto/key-ring', () => {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'yrt-keys-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('creates one private file per purpose, once', () => {
    expect(createMissingKeyFiles(directory)).to.have.length(keyPurposes.length);
    expect(createMissingKeyFiles(directory)).to.deep.equal([]);
    expect(statSync(join(directory, 'sealing.json')).mode & 0o777).to.equal(0o600);
    expect(problemsOf(directory)).to.deep.equal([]);
  });

  it('names every missing file at once', () => {
    expect(problemsOf(directory)).to.have.length(keyPurposes.length);
  });

  it('refuses a file that others can read', () => {
    createMissingKeyFiles(directory);
    chmodSync(join(directory, 'pepper.json'), 0o640);
    expect(problemsOf(directory)).to.have.length(1);
    expect(problemsOf(directory)[0]).to.match(/pepper\.json: readable by others/);
  });

  it('refuses one secret under two purposes', () => {
    createMissingKeyFiles(directory);
    const sealing = readFileSync(join(directory, 'sealing.json'), 'utf8');
    writeFileSync(join(directory, 'index.json'), sealing, { mode: 0o600 });
    expect(problemsOf(directory).join()).to.match(/share a secret/);
  });
});

describe('crypto/blind-index', () => {
  const key = (kid: string): SecretKey => ({ kid, secret: createSecretKey(Buffer.alloc(32, kid)) });
  const indexWith = (...keys: SecretKey[]) =>
    new BlindIndex(new KeyRing(new Map([['index', keys]])).only('index'));

  it('gives one index per value and domain', () => {
    const index = indexWith(key('key-a'));
    expect(index.of('phone', '+8613800138000')).to.equal(index.of('phone', '+8613800138000'));
    expect(index.of('phone', '1')).not.to.equal(index.of('username', '1'));
    expect(index.of('a', 'bc')).not.to.equal(index.of('ab', 'c'));
  });

  it('finds a value under the old key while a rotation runs', () => {
    const stored = indexWith(key('key-a')).of('phone', '1');
    const rotated = indexWith(key('key-b'), key('key-a'));
    expect(rotated.of('phone', '1')).not.to.equal(stored);
    expect(rotated.candidates('phone', '1')).to.include(stored);
  });
});
