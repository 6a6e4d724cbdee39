import { expect } from 'chai';
import { productionProblems, wantsDemo } from '#config/production.ts';
import { settingsSchema } from '#config/settings.ts';

const SAFE = {
  environment: 'production',
  issuer: 'https://id.example.gov.cn',
  databaseUrl: 'postgres://localhost/yrt',
};
const problemsOf = (changes: object) =>
  productionProblems(settingsSchema.parse({ ...SAFE, ...changes }));

describe('config/production', () => {
  it('lets a safe configuration start', () => {
    expect(problemsOf({})).to.deep.equal([]);
    expect(problemsOf({ demo: false })).to.deep.equal([]);
  });

  for (const [what, changes, setting] of [
    ['an issuer without https', { issuer: 'http://id.example.gov.cn' }, 'ISSUER'],
    ['an issuer on this machine', { issuer: 'http://localhost:3000' }, 'ISSUER'],
    ['the embedded database', { databaseUrl: undefined }, 'DATABASE_URL'],
    ['the demonstration', { demo: true }, 'YRT_DEMO'],
    ['a test realm that names another host', { testRealm: 'yes' }, 'YRT_TEST_REALM'],
    ['a weak memory cost', { password: { memoryKibibytes: 1024 } }, 'YRT_PASSWORD'],
    ['a weak time cost', { password: { passes: 1 } }, 'YRT_PASSWORD'],
  ] as const) {
    it(`refuses ${what}, and nothing else`, () => {
      const problems = problemsOf(changes);
      expect(problems).to.have.length(1);
      expect(problems[0]).to.match(new RegExp(`^${setting}`));
    });
  }

  it('names everything at once', () => {
    const problems = problemsOf({
      ...{ issuer: 'http://a.example', databaseUrl: undefined, demo: true, testRealm: 'yes' },
      password: { passes: 1 },
    });
    expect(problems).to.have.length(5);
  });

  it('allows a test realm that is named, on this machine without https', () => {
    const issuer = 'http://127.0.0.1:3000';
    expect(problemsOf({ issuer, testRealm: '127.0.0.1:3000' })).to.deep.equal([]);
    expect(problemsOf({ testRealm: 'id.example.gov.cn' })).to.deep.equal([]);
  });

  it('objects to nothing outside production', () => {
    const settings = settingsSchema.parse({ environment: 'development', demo: true });
    expect(productionProblems(settings)).to.deep.equal([]);
  });

  it('seeds the demonstration in development by default, elsewhere only when asked', () => {
    const wants = (changes: object) => wantsDemo(settingsSchema.parse(changes));
    expect(wants({})).to.equal(true);
    expect(wants({ demo: false })).to.equal(false);
    expect(wants({ environment: 'test' })).to.equal(false);
    expect(wants({ environment: 'test', demo: true })).to.equal(true);
    expect(wants({ environment: 'production' })).to.equal(false);
  });
});
