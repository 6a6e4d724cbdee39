import { expect } from 'chai';
import { setTimeout as pause } from 'node:timers/promises';
import { ChangeFeed } from '#store/change-feed.ts';
import { announcing, type Change } from '#store/change-log.ts';
import { hashOf } from '#store/handles.ts';
import {
  asOwner,
  describeOnEachDatabase,
  describeOnPostgresql,
  type TestDatabase,
} from '../../support/databases.ts';

const hash = (name: string) => hashOf(name).toString('hex');
const LIMITS = { pollMilliseconds: 20, staleMilliseconds: 1000, pageRows: 3 };

describeOnEachDatabase('store/change-feed', (current) => {
  const { node } = nodesOf(current);

  it('tells every node of a change within a second', async () => {
    const here = await node();
    const there = await node();
    await here.publish([{ kind: 'session', key: hash('s1'), version: 4 }]);
    await eventually(() => !there.isTrusted('session', hash('s1'), 3));
    expect(there.isTrusted('session', hash('s1'), 4)).to.equal(true);
    expect(there.isTrusted('session', hash('other'), 1)).to.equal(true);
  });

  it('holds in the process that publishes at once', async () => {
    const here = await node();
    await here.publish([{ kind: 'grant', key: hash('g1'), version: 'gone' }]);
    expect(here.isTrusted('grant', hash('g1'), 1_000_000)).to.equal(false);
  });

  it('announces nothing that was rolled back', async () => {
    const here = await node();
    const there = await node();
    const change: Change = { kind: 'client', key: 'rolled-back', version: 'gone' };
    await current()
      .db.transaction(async (trx) => {
        await here.publish([change], trx);
        throw new Error('undone');
      })
      .catch(() => undefined);
    await here.publish([{ kind: 'client', key: 'after', version: 'gone' }]);
    await eventually(() => !there.isTrusted('client', 'after', 1));
    expect(here.isTrusted('client', 'rolled-back', 1)).to.equal(true);
    expect(there.isTrusted('client', 'rolled-back', 1)).to.equal(true);
  });

  it('tells its own process only when the outermost transaction has committed', async () => {
    const here = await node();
    const told: Change[] = [];
    here.onChange('overflow', (change) => told.push(change));
    const outer = await current().db.transaction();
    await outer.transaction((inner) =>
      here.publish([{ kind: 'overflow', key: '*', version: 1 }], inner),
    );
    await pause(5);
    expect(told).to.deep.equal([]);
    await outer.commit();
    await eventually(() => told.length === 1);
  });

  it('announces in the statement that makes the change', async () => {
    const there = await node();
    await current().db.raw(
      `WITH changed AS (SELECT 'account' AS kind, 'a1' AS key, 7 AS version), announced AS (
         ${announcing('SELECT kind, key, version FROM changed')}
       ) SELECT * FROM changed`,
    );
    await eventually(() => there.latest('account', 'a1') === 7);
  });

  it('knows after its start what was announced before, over more than one page', async () => {
    const keys = Array.from({ length: 10 }, (_, n) => hash(`before-${n}`));
    const here = await node();
    for (const key of keys) await here.publish([{ kind: 'grant', key, version: 'gone' }]);
    await here.publish(keys.map((key) => ({ kind: 'session', key, version: 'gone' })));
    const late = await node();
    expect(keys.filter((key) => late.isTrusted('grant', key, 1))).to.deep.equal([]);
    expect(keys.filter((key) => late.isTrusted('session', key, 1))).to.deep.equal([]);
  });

  it('calls listeners once for each change that is news', async () => {
    const here = await node();
    const there = await node();
    const seen: Change[] = [];
    there.onChange('signing_keys', (change) => seen.push(change));
    const first: Change = { kind: 'signing_keys', key: '*', version: 1 };
    await here.publish([first]);
    await here.publish([first]);
    await here.publish([{ ...first, version: 2 }]);
    await eventually(() => seen.length >= 2);
    expect(seen.map(({ version }) => version)).to.deep.equal([1, 2]);
  });

  it('sweeps what no copy can be older than, and nothing else', async () => {
    const here = await node();
    await here.publish([{ kind: 'client', key: 'young', version: 1 }]);
    await asOwner(current(), (owner) =>
      owner.raw(
        `INSERT INTO changes (kind, key, version, at)
           SELECT 'client', 'old', 1, now() - interval '2 hours' FROM generate_series(1, 5)`,
      ),
    );
    expect(await here.sweep(3)).to.equal(3);
    expect(await here.sweep(100)).to.equal(2);
    const left = await current().db('changes').where({ kind: 'client' }).pluck<string[]>('key');
    expect(left).to.include('young').and.not.include('old');
  });

  it('takes no notice of kinds of a newer release', async () => {
    await current().db('changes').insert({ kind: 'mandate', key: 'm', version: 1 });
    const there = await node();
    expect(there.isStale).to.equal(false);
  });
});

describeOnPostgresql('store/change-feed', (current) => {
  const { node } = nodesOf(current);

  it('sees a transaction that commits after later ones were seen', async () => {
    const { db } = current();
    const here = await node();
    const there = await node();
    const slow = await db.transaction();
    await here.publish([{ kind: 'grant', key: hash('slow'), version: 'gone' }], slow);
    for (const name of ['q1', 'q2', 'q3', 'q4']) {
      await here.publish([{ kind: 'grant', key: hash(name), version: 'gone' }]);
      await eventually(() => !there.isTrusted('grant', hash(name), 1));
    }
    expect(there.isTrusted('grant', hash('slow'), 1)).to.equal(true);
    await slow.commit();
    await eventually(() => !there.isTrusted('grant', hash('slow'), 1));
  });

  it('misses nothing while many transactions overlap', async () => {
    const { db } = current();
    const here = await node();
    const there = await node();
    const keys = Array.from({ length: 120 }, (_, n) => hash(`overlap-${n}`));
    await Promise.all(
      [0, 1, 2, 3].map(async (lane) => {
        for (const [n, key] of keys.entries()) {
          if (n % 4 !== lane) continue;
          await db.transaction(async (trx) => {
            await here.publish([{ kind: 'grant', key, version: 'gone' }], trx);
            await pause((n * 7) % 23);
          });
        }
      }),
    );
    await eventually(() => keys.every((key) => !there.isTrusted('grant', key, 1)));
  });

  it('reads no change twice', async () => {
    const { db } = current();
    const here = await node();
    const there = await node();
    const seen: Change[] = [];
    const apply = there.apply.bind(there);
    there.apply = (changes) => {
      seen.push(...changes);
      apply(changes);
    };
    const slow = await db.transaction();
    await here.publish([{ kind: 'account', key: 'slow', version: 1 }], slow);
    for (let n = 0; n < 7; n += 1) {
      await here.publish([{ kind: 'account', key: `quick-${n}`, version: 1 }]);
      await pause(10);
    }
    await slow.commit();
    await eventually(() => there.latest('account', 'slow') === 1);
    await pause(100);
    expect(seen.map(({ key }) => key).toSorted()).to.deep.equal(
      ['slow', ...Array.from({ length: 7 }, (_, n) => `quick-${n}`)].toSorted(),
    );
  });

  it('starts over on another server, whose transaction numbers may be lower', async () => {
    const { db } = current();
    let server = 'first';
    // The answer of a server that took over: its own start time, its own transaction numbers.
    const elsewhere = new Proxy(db, {
      get: (target, name) =>
        name === 'raw'
          ? async (sql: string, values: object) => {
              const answer = await target.raw<{ rows: object[] }>(sql, values as never);
              const far = server === 'first' ? { xmax: '9000000000000000000' } : {};
              return { ...answer, rows: answer.rows.map((row) => ({ ...row, server, ...far })) };
            }
          : (Reflect.get(target, name) as unknown),
    });
    const there = await node({ db: elsewhere });
    const here = await node();
    await here.publish([{ kind: 'grant', key: hash('after promotion'), version: 'gone' }]);
    await pause(100);
    expect(there.isTrusted('grant', hash('after promotion'), 1)).to.equal(true);
    server = 'second';
    await eventually(() => !there.isTrusted('grant', hash('after promotion'), 1));
  });

  it('trusts nothing from a second after its last successful look, and says so once', async () => {
    const { engine } = current();
    const db = engine.connect('application');
    const failures: unknown[] = [];
    const there = await node({ db, onFailure: (error) => failures.push(error) });
    expect(there.isTrusted('client', 'quiet', 1)).to.equal(true);
    await db.destroy();
    await eventually(() => there.isStale, 3000);
    expect(there.isTrusted('client', 'quiet', 1)).to.equal(false);
    expect(there.ageSeconds).to.be.within(1, 3);
    expect(failures).to.have.length(1);
  });

  it('trusts nothing before its first look', () => {
    const feed = new ChangeFeed({ db: current().db });
    expect(feed.isTrusted('client', 'any', 1)).to.equal(false);
    expect(feed.ageSeconds).to.equal(Number.POSITIVE_INFINITY);
  });
});

/** Feeds that poll fast; stopped after each case. */
function nodesOf(current: () => TestDatabase) {
  const running: ChangeFeed[] = [];
  afterEach(async () => {
    await Promise.all(running.splice(0).map((feed) => feed.stop()));
  });
  const node = async (parts: Partial<ConstructorParameters<typeof ChangeFeed>[0]> = {}) => {
    const feed = new ChangeFeed({ db: current().db, limits: LIMITS, ...parts });
    running.push(feed);
    await feed.start();
    return feed;
  };
  return { node };
}

async function eventually(isSo: () => boolean, withinMilliseconds = 1000): Promise<void> {
  const deadline = performance.now() + withinMilliseconds;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error('It did not happen in time.');
    await pause(5);
  }
}
