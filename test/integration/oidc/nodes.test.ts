/** What one node changes holds on the others within a second, whatever becomes of Redis. */
import { expect } from 'chai';
import { setTimeout as wait } from 'node:timers/promises';
import type { CookieBrowser } from '../../support/cookie-browser.ts';
import { describeOnPostgresql } from '../../support/databases.ts';
import { operate } from '../../support/operator.ts';
import { cookieHeader } from '../../support/password-requests.ts';
import { authorizationRequest, personAt, signInAt } from '../../support/person.ts';
import { formRequest, sendRaw, type RawRequest } from '../../support/raw-http.ts';
import { describeWithRedis, startRedis, type TestRedis } from '../../support/redis.ts';
import { startSecondProcess, type SecondProcess } from '../../support/second-process.ts';
import {
  aCitizen,
  aSite,
  startTestServer,
  type Site,
  type TestServer,
} from '../../support/test-server.ts';

const STATES = {
  'Redis up': () => Promise.resolve(''),
  'Redis flushed': (redis: TestRedis) => redis.command('flushall'),
  'Redis killed': (redis: TestRedis) => redis.kill(),
};

describeWithRedis('oidc/nodes', () => {
  for (const [state, befall] of Object.entries(STATES)) {
    describeOnPostgresql(`two processes, ${state}`, (current) => {
      let redis: TestRedis;
      let server: TestServer;
      let second: SecondProcess;
      let site: Site;
      before(async function () {
        this.timeout(60_000);
        redis = await startRedis();
        server = await startTestServer(current(), { settings: { redisUrl: redis.url } });
        second = await startSecondProcess(server, current());
        site = await aSite(server);
      });
      after(async () => {
        await second.stop();
        await server.stop();
        await redis.close();
      });

      /** On the other process, where everything was read a moment ago. */
      const there = async (request: Omit<RawRequest, 'host'>) =>
        await sendRaw(second.port, { ...request, host: new URL(server.issuer).host });
      /** Whether a browser with these cookies is let in without a page: `code`, or the error. */
      const silentThere = async (cookie: string) => {
        const { url } = authorizationRequest(server, site, { prompt: 'none' });
        const target = url.slice(server.issuer.length);
        const { headers } = await there({ target, headers: [['Cookie', cookie]] });
        const answer = new URL(headers.get('location')?.[0] ?? '').searchParams;
        return answer.get('error') ?? 'code';
      };
      const cookieOf = (browser: CookieBrowser) => cookieHeader(browser, server.issuer);
      const signedIn = async () => {
        const citizen = await aCitizen(server);
        const browser = personAt(server);
        await signInAt(browser, citizen, authorizationRequest(server, site));
        expect(await silentThere(cookieOf(browser))).to.equal('code');
        return { citizen, browser };
      };
      const isRefused = (cookie: string) => async () =>
        (await silentThere(cookie)) === 'login_required';

      it('a locked account enters no site', async () => {
        const { citizen, browser } = await signedIn();
        const { accounts } = server.running.services.records;
        await befall(redis);
        await accounts.changeStatus(citizen.accountId, 'locked');
        await within(1000, isRefused(cookieOf(browser)));
      });

      it('an ended session enters no site', async () => {
        const { citizen, browser } = await signedIn();
        const { sessions } = server.running.services.records;
        await befall(redis);
        expect(await sessions.endAllOf(citizen.accountId)).to.have.length(1);
        await within(1000, isRefused(cookieOf(browser)));
      });

      it('a cookie that a new sign-in replaced enters no site', async () => {
        const { citizen, browser } = await signedIn();
        const replaced = cookieOf(browser);
        await befall(redis);
        await signInAt(browser, citizen, authorizationRequest(server, site, { prompt: 'login' }));
        await within(1000, isRefused(replaced));
        expect(await silentThere(cookieOf(browser))).to.equal('code');
      });

      it('a site that is disabled gets no token, and one that is back gets them again', async () => {
        const { clients } = server.running.services.records;
        const machine = { grant_types: ['client_credentials'], redirect_uris: [] };
        const { clientId, secret } = await aSite(server, machine);
        const basic = Buffer.from(`${clientId}:${secret}`).toString('base64');
        const { headers, ...form } = formRequest([['grant_type', 'client_credentials']]);
        const answers = (status: number) => async () => {
          const all = [...headers, ['Authorization', `Basic ${basic}`]] as const;
          return (await there({ ...form, target: '/token', headers: all })).status === status;
        };
        await within(1000, answers(200));
        await befall(redis);
        await clients.changeStatus(clientId, 'disabled');
        await within(1000, answers(401));
        await clients.changeStatus(clientId, 'published');
        await within(1000, answers(200));
      });

      it('rotated keys are published', async () => {
        const published = async () => {
          const { body } = await there({ target: '/jwks' });
          return (JSON.parse(body) as { keys: unknown[] }).keys.length;
        };
        const before = await published();
        await befall(redis);
        expect(await operate(server, current(), 'keys', 'rotate')).to.include({ exitCode: 0 });
        await within(1000, async () => (await published()) > before);
      });
    });
  }
});

async function within(milliseconds: number, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + milliseconds;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error('It did not happen in time.');
    await wait(50);
  }
}
