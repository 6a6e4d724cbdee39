import { expect } from 'chai';
import { VersionedCache, type Versioned } from '#store/versioned-cache.ts';

function cacheOf(rows: Record<string, Versioned<string>>, maxEntries = 3) {
  const state = { rows, isFresh: true, goodFrom: 0, milliseconds: 0, loads: [] as string[] };
  const cache = new VersionedCache<string>({
    feed: { isTrusted: (_kind, _key, version) => state.isFresh && version >= state.goodFrom },
    kind: 'client',
    load: (key) => {
      state.loads.push(key);
      return Promise.resolve(state.rows[key] ?? { value: undefined, version: 0 });
    },
    maxEntries,
    now: () => state.milliseconds,
  });
  return { cache, state };
}

describe('store/versioned-cache', () => {
  it('reads a row once while its version is trusted', async () => {
    const { cache, state } = cacheOf({ a: { value: 'A', version: 1 } });
    expect(await cache.find('a')).to.include({ value: 'A', version: 1 });
    expect(await cache.find('a')).to.include({ value: 'A', version: 1 });
    expect(state.loads).to.deep.equal(['a']);
  });

  it('reads a row again when a later version was announced, also one that was not there', async () => {
    const { cache, state } = cacheOf({});
    expect((await cache.find('a')).value).to.equal(undefined);
    state.goodFrom = 1;
    state.rows['a'] = { value: 'A', version: 1 };
    expect((await cache.find('a')).value).to.equal('A');
    expect((await cache.find('a')).value).to.equal('A');
    expect(state.loads).to.have.length(2);
  });

  it('reads every time while the feed is stale', async () => {
    const { cache, state } = cacheOf({ a: { value: 'A', version: 1 } });
    await cache.find('a');
    state.isFresh = false;
    state.rows['a'] = { value: 'B', version: 2 };
    expect((await cache.find('a')).value).to.equal('B');
    state.rows['a'] = { value: 'C', version: 3 };
    expect((await cache.find('a')).value).to.equal('C');
  });

  it('keeps nothing longer than the feed remembers', async () => {
    const { cache, state } = cacheOf({ a: { value: 'A', version: 1 } });
    await cache.find('a');
    state.milliseconds = 600_000;
    await cache.find('a');
    expect(state.loads).to.have.length(2);
  });

  it('drops what was used longest ago, and nothing real for made-up keys', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const { cache, state } = cacheOf(
      Object.fromEntries(names.map((name) => [name, { value: name, version: 1 }])),
    );
    for (const name of ['a', 'b', 'c', 'a']) await cache.find(name);
    for (let made = 0; made < 50; made += 1) await cache.find(`made-up-${made}`);
    await cache.find('d');
    state.loads.length = 0;
    for (const name of ['a', 'c', 'd', 'b']) await cache.find(name);
    expect(state.loads).to.deep.equal(['b']);
  });
});
