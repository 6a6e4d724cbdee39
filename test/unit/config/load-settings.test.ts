import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadSettings, settingLeaves, SettingsInvalid } from '#config/load-settings.ts';

describe('config/load-settings', () => {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'yrt-config-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const problemsOf = (environment: Record<string, string>): readonly string[] => {
    try {
      loadSettings(environment, directory);
      return [];
    } catch (error) {
      if (error instanceof SettingsInvalid) return error.problems;
      throw error;
    }
  };

  it('has defaults for everything', () => {
    const settings = loadSettings({}, directory);
    expect(settings.issuer).to.equal('http://localhost:3000');
    expect(settings.listen.port).to.equal(3000);
    expect(settings.attempts.maxPerWindow).to.equal(5);
    expect(settings.trustedProxies).to.deep.equal([]);
  });

  it('reads variables over files, and lists with commas', () => {
    writeFileSync(join(directory, 'settings.json'), '{"listen": {"port": 1, "address": "::1"}}');
    const settings = loadSettings(
      { YRT_LISTEN_PORT: '8080', YRT_TRUSTED_PROXIES: '10.0.0.0/8, fd00::/8', YRT_DEMO: 'false' },
      directory,
    );
    expect(settings.listen).to.deep.equal({ port: 8080, address: '::1' });
    expect(settings.trustedProxies).to.deep.equal(['10.0.0.0/8', 'fd00::/8']);
    expect(settings.demo).to.equal(false);
  });

  it('reads a secret from the file that NAME_FILE points to', () => {
    writeFileSync(join(directory, 'url'), 'postgres://db/yrt\n');
    const settings = loadSettings({ DATABASE_URL_FILE: join(directory, 'url') }, directory);
    expect(settings.databaseUrl).to.equal('postgres://db/yrt');
  });

  it('reports every mistake at once, by the name the operator wrote', () => {
    const problems = problemsOf({
      ISSUER: 'https://id.example.gov/path',
      YRT_LISTEN_PORT: 'x',
      YRT_LISTNE_PORT: '80',
      DATABASE_URL: 'a',
      DATABASE_URL_FILE: 'b',
    });
    expect(problems).to.have.length(4);
    expect(problems.join('\n'))
      .to.match(/issuer \(ISSUER\)/)
      .and.match(/YRT_LISTEN_PORT/)
      .and.match(/YRT_LISTNE_PORT: there is no such setting/)
      .and.match(/not both/);
  });

  it('has one sentence for every setting', () => {
    for (const { variable, schema } of settingLeaves()) {
      expect(schema.description, variable).to.match(/\.$/);
    }
  });

  it('names an issuer that is no URL instead of failing on it', () => {
    expect(problemsOf({ ISSUER: 'id.example.gov.cn' })).to.deep.equal([
      'issuer (ISSUER): Invalid URL',
    ]);
    expect(problemsOf({ ISSUER: 'https://id.example.gov.cn/' })).to.have.length(1);
  });
});
