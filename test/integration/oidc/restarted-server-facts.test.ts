import { execFile } from 'node:child_process';
import { createSecretKey, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { ClientMetadataInvalid } from '#clients/client-metadata.ts';
import { createEphemeralKeyRing, keyPurposes, KeyRing, type SecretKey } from '#crypto/key-ring.ts';
import { lockDataDirectory } from '#store/data-lock.ts';
import { offsetClock } from '../../support/clocks.ts';
import { CookieBrowser } from '../../support/cookie-browser.ts';
import { describeOnEachDatabase } from '../../support/databases.ts';
import { LogoutReceiver } from '../../support/logout-receiver.ts';
import { until } from '../../support/outbox.ts';
import {
  authorizationRequest,
  callbackOf,
  personAt,
  postAsSite,
  redeem,
  signInAt,
} from '../../support/person.ts';
import { aCitizen, aSite, startTestServer, type TestServer } from '../../support/test-server.ts';

const DAY = 86_400;
const ALLOWED = { egress: { allowedPrivateCidrs: ['127.0.0.0/8'] } };

// Facts 4, 5, 9 and 10 of PROVIDER-NOTES: a server that is started with other settings, other keys,
// or beside another one.
describeOnEachDatabase('oidc/provider facts of a restarted server', (current) => {
  const keys = createEphemeralKeyRing();

  // The library's own lifetime of a grant is 14 days, however long its refresh tokens live.
  it('4 a refresh token of 30 days still works on the last of them', async () => {
    const clock = offsetClock();
    const server = await startTestServer(current(), {
      ...{ clock, keys },
      settings: { lifetimes: { refreshTokenSeconds: 30 * DAY } },
    });
    const site = await aSite(server);
    const request = authorizationRequest(server, site);
    const { code = '' } = await signInAt(personAt(server), await aCitizen(server), request);
    const { body } = await redeem(server, site, request, code);
    clock.advance(30 * DAY - 60);
    const { refresh_token = '' } = body;
    const fields = { grant_type: 'refresh_token', refresh_token };
    const renewed = await postAsSite(server, site, '/token', fields);
    await server.stop();
    expect(renewed).to.have.property('status', 200);
  });

  it('5 a notice to a private address stays here, until a server starts that may reach it', async () => {
    const receiver = new LogoutReceiver();
    await receiver.open();
    const start = (egress: object) => startTestServer(current(), { keys, settings: { egress } });

    let server = await start({});
    const uri = { backchannel_logout_uri: receiver.uri };
    const refused = await aSite(server, uri).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(ClientMetadataInvalid);
    const site = await aSite(withSettings(server, ALLOWED), uri);
    const browser = personAt(server);
    await signInAt(browser, await aCitizen(server), authorizationRequest(server, site));
    const page = await browser.open(`${server.issuer}/session/end`);
    await browser.press(page, 'op.logoutForm', { logout: 'yes' });
    const failures = () =>
      current().db('outbox_attempts').whereNotNull('error_code').pluck<string[]>('error_code');
    await until(async () => (await failures()).length > 0);
    expect((await failures())[0]).to.equal('address');
    await server.stop();
    expect(receiver.received).to.deep.equal([]);

    server = await start(ALLOWED.egress);
    await until(() => receiver.received.length === 1);
    await server.stop();
    await receiver.close();
  });

  it('9 cookies of a former signing key are accepted until the key is taken away', async () => {
    const [former, next] = [aKey('former'), aKey('next')];
    const startWith = (...cookieKeys: SecretKey[]) =>
      startTestServer(current(), { keys: withCookieKeys(keys, cookieKeys) });

    let server = await startWith(former);
    const site = await aSite(server);
    // Each server here has its own port, and cookies do not know ports.
    const browser = new CookieBrowser(({ hostname }) => hostname.endsWith('.example'));
    await signInAt(browser, await aCitizen(server), authorizationRequest(server, site));
    const signature = browser.cookies(server.issuer).get('__Host-yrt-session.sig');
    expect(signature, 'HMAC-SHA-256, where Keygrip makes a shorter one').to.have.length(43);
    await server.stop();

    const answers: unknown[] = [];
    for (const cookieKeys of [[next, former], [next], [aKey('third')]]) {
      server = await startWith(...cookieKeys);
      const request = authorizationRequest(server, site, { prompt: 'none' });
      const { code, error } = callbackOf(await browser.open(request.url));
      answers.push(error ?? (code !== undefined && 'code'));
      await server.stop();
    }
    // The answer under the second ring signed the cookie anew, with the next key.
    expect(answers).to.deep.equal(['code', 'code', 'login_required']);
  });
});

describe('oidc/provider facts of storage', () => {
  it('10 a second process is not let into the embedded database', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'yrt-'));
    const first = await lockDataDirectory(directory);
    const cli = fileURLToPath(new URL('../../../src/cli.ts', import.meta.url));
    const second = await promisify(execFile)(process.execPath, [cli, 'migrate'], {
      env: { YRT_DATA_DIRECTORY: directory },
    }).catch((error: unknown) => error);
    await first.release();
    rmSync(directory, { recursive: true, force: true });
    expect(second).to.have.property('code', 1);
    expect(second).to.have.property('stderr').that.includes('in use by another process');
  });
});

/** For registering what the running server itself would not. */
function withSettings(server: TestServer, groups: typeof ALLOWED): TestServer {
  const { foundations } = server;
  const egress = { ...foundations.settings.egress, ...groups.egress };
  const settings = { ...foundations.settings, egress };
  return { ...server, foundations: { ...foundations, settings } };
}

const aKey = (kid: string): SecretKey => ({ kid, secret: createSecretKey(randomBytes(32)) });

const withCookieKeys = (others: KeyRing, cookies: readonly SecretKey[]) =>
  new KeyRing(
    new Map(
      keyPurposes.map((purpose) => [
        purpose,
        purpose === 'cookies' ? cookies : others.all(purpose),
      ]),
    ),
  );
