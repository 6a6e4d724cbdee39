// ABUSE-CASES A-06: one password tried on many accounts from one address.
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { burst, statusesOf } from '../../../support/burst.ts';
import { describeOnPostgresql } from '../../../support/databases.ts';
import { openSignIn, type OpenSignIn } from '../../../support/password-requests.ts';
import { startSecondProcess, type SecondProcess } from '../../../support/second-process.ts';
import { aCitizen, aSite, startTestServer, type TestServer } from '../../../support/test-server.ts';

describeOnPostgresql('abuse/authenticators: one address, many accounts', (current) => {
  let server: TestServer;
  let second: SecondProcess;
  let signIn: OpenSignIn;
  let phones: readonly string[];
  before(async function () {
    this.timeout(60_000);
    const settings = {
      trustedProxies: '127.0.0.1/32,::1/128',
      // The window of all requests would close before the one that is tested.
      limits: { requestsPerAddress: 1_000_000 },
    };
    server = await startTestServer(current(), { testRealm: false, settings });
    second = await startSecondProcess(server, current());
    signIn = await openSignIn(server, await aSite(server));
    const citizens = [await aCitizen(server), await aCitizen(server), await aCitizen(server)];
    phones = citizens.map(({ phone }) => phone);
  });
  after(async () => {
    await second.stop();
    await server.stop();
  });

  let accounts = 0;
  /** Real accounts among absent ones, each tried once. */
  const nextAccount = () => phones[(accounts += 1)] ?? `137${String(accounts).padStart(8, '0')}`;

  /** n tries on n accounts; `addressOf` is what the proxy says of the i-th. */
  const spray = async (n: number, addressOf: (index: number) => string | undefined) => {
    const { host } = new URL(server.issuer);
    const target = { ports: [server.running.port, second.port], host };
    return statusesOf(
      await burst(n, target, (index) => {
        const request = signIn.request({ account: nextAccount(), password: 'Spring-2026' });
        const address = addressOf(index);
        if (address === undefined) return request;
        return { ...request, headers: [...(request.headers ?? []), ['X-Forwarded-For', address]] };
      }),
    );
  };

  it('A-06 compares 20 of 1,000 accounts in 60 s', async () => {
    const total: Record<number, number> = {};
    for (let round = 0; round < 10; round += 1) {
      const statuses = await spray(100, () => '203.0.113.7');
      for (const [status, count] of Object.entries(statuses)) {
        total[Number(status)] = (total[Number(status)] ?? 0) + count;
      }
    }
    expect(total).to.deep.equal({ 422: 20, 429: 980 });
  }).timeout(60_000);

  it('A-06 counts all spellings of one address together', async () => {
    const spellings = [
      ...['203.0.113.8', '::ffff:203.0.113.8', '::ffff:cb00:7108', '::FFFF:CB00:7108'],
      ...['0:0:0:0:0:ffff:203.0.113.8', '0000:0000:0000:0000:0000:ffff:cb00:7108'],
    ];
    const statuses = await spray(60, (index) => spellings[index % spellings.length]);
    expect(statuses).to.deep.equal({ 422: 20, 429: 40 });
  });

  it('A-06 counts the addresses of one /64 together', async () => {
    const anyOf64 = () =>
      `2001:db8:7:1:${randomBytes(8).toString('hex').match(/.{4}/g)?.join(':') ?? ''}`;
    expect(await spray(60, anyOf64)).to.deep.equal({ 422: 20, 429: 40 });
    expect(await spray(1, () => '2001:db8:7:2::1')).to.deep.equal({ 422: 1 });
  });

  it('A-06 believes only what the trusted proxy added itself', async () => {
    const forged = (index: number) => `198.51.100.${index}, 203.0.113.9`;
    expect(await spray(60, forged)).to.deep.equal({ 422: 20, 429: 40 });
  });

  it('A-06 counts requests without a readable address together', async () => {
    const unreadable = ['', 'unknown', '_hidden', '203.0.113.999', undefined];
    const statuses = await spray(60, (index) => unreadable[index % unreadable.length]);
    expect(statuses).to.deep.equal({ 422: 20, 429: 40 });
  });
});
