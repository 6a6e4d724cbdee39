import { expect } from 'chai';
import { parseRedisUrl } from '#lib/redis-url.ts';

describe('lib/redis-url', () => {
  it('reads one server, with its defaults', () => {
    expect(parseRedisUrl('redis://redis.example')).to.deep.equal({
      ...{ kind: 'single', tls: false, database: 0 },
      hosts: [{ host: 'redis.example', port: 6379 }],
    });
    expect(parseRedisUrl('rediss://:p%40ss%2F@[::1]:7000/3')).to.deep.equal({
      ...{ kind: 'single', tls: true, database: 3, password: 'p@ss/' },
      hosts: [{ host: '::1', port: 7000 }],
    });
  });

  it('reads Sentinels with the name of their master', () => {
    expect(parseRedisUrl('redis+sentinel://me:secret@s1:26380,s2/province/2')).to.deep.equal({
      ...{ kind: 'sentinel', tls: false, database: 2, masterName: 'province' },
      ...{ username: 'me', password: 'secret' },
      hosts: [
        { host: 's1', port: 26380 },
        { host: 's2', port: 26379 },
      ],
    });
  });

  it('reads nodes of a Cluster', () => {
    expect(parseRedisUrl('rediss+cluster://r1,r2:7001')).to.deep.equal({
      ...{ kind: 'cluster', tls: true, database: 0 },
      hosts: [
        { host: 'r1', port: 6379 },
        { host: 'r2', port: 7001 },
      ],
    });
  });

  for (const url of [
    '',
    'redis.example:6379',
    'http://redis.example',
    'redis://',
    'redis://a,b',
    'redis://a/b',
    'redis://a:99999',
    'redis://a:%zz@b',
    'redis+sentinel://a:26379',
    'redis+cluster://a,b/1',
    'redis+cluster://a,,b',
  ]) {
    it(`refuses ${url || 'nothing'}`, () => {
      expect(parseRedisUrl(url)).to.equal(undefined);
    });
  }
});
