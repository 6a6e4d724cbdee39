import { expect } from 'chai';
import type { Client, ClientMetadata } from 'oidc-provider';
import { createClientInstances } from '#oidc/client-instances.ts';

function instancesOf(versions: Map<string, number>) {
  const made: string[] = [];
  let fails = false;
  const find = createClientInstances(
    (clientId) => {
      const version = versions.get(clientId) ?? 0;
      const value: ClientMetadata | undefined = version ? { client_id: clientId } : undefined;
      return Promise.resolve({ value, version });
    },
    (clientId) => {
      made.push(clientId);
      if (fails) return Promise.reject(new Error('invalid metadata'));
      return Promise.resolve({ clientId } as Client);
    },
  );
  return { find, made, failFromNow: (does: boolean) => void (fails = does) };
}

describe('oidc/client-instances', () => {
  it('makes one object per version, however many ask at once', async () => {
    const versions = new Map([['a', 1]]);
    const { find, made } = instancesOf(versions);
    const all = await Promise.all(Array.from({ length: 20 }, () => find('a')));
    expect(new Set(all)).to.have.property('size', 1);
    expect(made).to.deep.equal(['a']);
    versions.set('a', 2);
    expect(await find('a')).not.to.equal(all[0]);
    expect(made).to.have.length(2);
  });

  it('keeps more of them than the library would', async () => {
    const ids = Array.from({ length: 1000 }, (_, index) => `site-${index}`);
    const { find, made } = instancesOf(new Map(ids.map((id) => [id, 1])));
    for (const id of [...ids, ...ids]) await find(id);
    expect(made).to.have.length(1000);
  });

  it('finds nothing of a site that is gone', async () => {
    const versions = new Map([['a', 1]]);
    const { find } = instancesOf(versions);
    expect(await find('a')).not.to.equal(undefined);
    versions.delete('a');
    expect(await find('a')).to.equal(undefined);
  });

  it('does not keep a failure', async () => {
    const { find, failFromNow } = instancesOf(new Map([['a', 1]]));
    failFromNow(true);
    expect(await find('a').catch(() => 'failed')).to.equal('failed');
    failFromNow(false);
    expect(await find('a')).to.have.property('clientId', 'a');
  });
});
