// ABUSE-CASES D-02: a sealed value in another row or column opens nowhere, and nobody becomes
// somebody else by it. (Flipped bits, unknown keys and equal values: test/unit/crypto/sealing.test.ts.)
import { expect } from 'chai';
import type { Knex } from 'knex';
import { describeOnEachDatabase } from '../../../support/databases.ts';
import {
  authorizationRequest,
  personAt,
  postAsSite,
  redeem,
  signInAt,
} from '../../../support/person.ts';
import type { CookieBrowser } from '../../../support/cookie-browser.ts';
import {
  aCitizen,
  aSite,
  startTestServer,
  type Citizen,
  type Site,
  type TestServer,
} from '../../../support/test-server.ts';

interface SignedIn {
  readonly citizen: Citizen;
  readonly browser: CookieBrowser;
  readonly access: string;
  readonly refresh: string;
}

describeOnEachDatabase('abuse/data: cells of the database swapped', (current) => {
  let server: TestServer;
  let site: Site;
  let [one, other]: [SignedIn | undefined, SignedIn | undefined] = [undefined, undefined];
  before(async () => {
    server = await startTestServer(current());
    const scope = 'openid profile phone email offline_access';
    site = await aSite(server, { government: false, scope });
  });
  after(() => server.stop());
  beforeEach(async () => {
    one = await signedIn({ name: '甲测试' });
    other = await signedIn({ name: '乙测试' });
  });

  const signedIn = async (wishes: Partial<Citizen>): Promise<SignedIn> => {
    const [citizen, browser] = [await aCitizen(server, wishes), personAt(server)];
    const scope = 'openid profile phone email offline_access';
    const request = authorizationRequest(server, site, { scope });
    const { code = '' } = await signInAt(browser, citizen, request);
    const { body } = await redeem(server, site, request, code);
    return { citizen, browser, access: body.access_token ?? '', refresh: body.refresh_token ?? '' };
  };
  const pair = (): [SignedIn, SignedIn] => {
    if (!one || !other) throw new Error('before beforeEach');
    return [one, other];
  };

  /** Exchanges one column between the rows of the two accounts. */
  const swap = async (table: string, column: string, key: string, more: object = {}) => {
    const { db } = current();
    const ids = pair().map(({ citizen }) => citizen.accountId);
    const rows: Record<string, unknown>[] = await db(table)
      .whereIn(key, ids)
      .where(more)
      .orderByRaw('array_position(?::uuid[], ??)', [ids, key]);
    const [a, b] = rows;
    expect(rows, `${table} has a row each`).to.have.length(2);
    const put = (trx: Knex, row: unknown, value: unknown) =>
      trx(table)
        .where({ ...more, [key]: (row as Record<string, unknown>)[key] })
        .update({ [column]: value });
    await db.transaction(async (trx) => {
      await put(trx, a, b?.[column]);
      await put(trx, b, a?.[column]);
    });
  };

  const userinfo = async (token: string) => {
    const response = await fetch(`${server.issuer}/me`, {
      headers: { authorization: `Bearer ${token}` },
    });
    return { status: response.status, body: await response.text() };
  };
  /** Both people, nowhere the other's data and nothing but a refusal. */
  const expectClosed = (
    answers: readonly { readonly status: number; readonly body: string }[],
    allowed: readonly number[],
  ) => {
    const [first, second] = pair();
    for (const { status, body } of answers) {
      expect(status, body).to.be.oneOf([...allowed]);
      for (const { citizen } of [first, second]) {
        for (const value of [citizen.name, citizen.phone, citizen.username]) {
          expect(body).not.to.include(value);
        }
      }
    }
  };
  const bothUserinfos = async () => await Promise.all(pair().map(({ access }) => userinfo(access)));
  const bothPages = async () =>
    await Promise.all(
      pair().map(async ({ browser }) => {
        const { status, text } = await browser.open(`${server.issuer}/account`);
        return { status, body: text };
      }),
    );

  it('D-02 is well before anything is swapped', async () => {
    const [first] = pair();
    const { status, body } = await userinfo(first.access);
    expect(status).to.equal(200);
    expect(body).to.include(first.citizen.name).and.to.include(first.citizen.phone);
    expect((await bothPages()).map((page) => page.status)).to.deep.equal([200, 200]);
  });

  for (const [table, column, key] of [
    ['accounts', 'phone_sealed', 'id'],
    ['accounts', 'email_sealed', 'id'],
    ['accounts', 'username_sealed', 'id'],
    ['identity_documents', 'name_sealed', 'account_id'],
    ['identity_documents', 'number_sealed', 'account_id'],
  ] as const) {
    it(`D-02 fails closed when ${table}.${column} is another account's`, async () => {
      await swap(table, column, key);
      expectClosed(await bothUserinfos(), [500, 503]);
      expectClosed(await bothPages(), [500, 503]);
    });
  }

  it('D-02 fails closed when two columns of one account are swapped', async () => {
    const { db } = current();
    const ids = pair().map(({ citizen }) => citizen.accountId);
    await db('accounts')
      .whereIn('id', ids)
      .update({ phone_sealed: db.ref('username_sealed'), username_sealed: db.ref('phone_sealed') });
    expectClosed(await bothUserinfos(), [500, 503]);
    expectClosed(await bothPages(), [500, 503]);
  });

  it('D-02 lets nobody into another session when sessions.payload_sealed is swapped', async () => {
    await swap('sessions', 'payload_sealed', 'account_id');
    expectClosed(await bothPages(), [500, 503]);
  });

  it('D-02 redeems no access token whose content is another’s', async () => {
    await swap('short_lived_records', 'payload_sealed', 'account_id', { model: 'AccessToken' });
    expectClosed(await bothUserinfos(), [401, 500, 503]);
  });

  it('D-02 refreshes nothing whose content is another’s', async () => {
    await swap('refresh_tokens', 'payload_sealed', 'account_id');
    const answers = await Promise.all(
      pair().map(async ({ refresh }) => {
        const fields = { grant_type: 'refresh_token', refresh_token: refresh };
        const { status, body } = await postAsSite(server, site, '/token', fields);
        return { status, body: JSON.stringify(body) };
      }),
    );
    expectClosed(answers, [400, 500, 503]);
  });

  it('D-02 uses no grant whose content is another’s', async () => {
    await swap('grants', 'payload_sealed', 'account_id');
    expectClosed(await bothUserinfos(), [401, 500, 503]);
  });
});
