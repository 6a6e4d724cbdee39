import { expect } from 'chai';
import { CookieBrowser } from '../../../support/cookie-browser.ts';
import { describeOnAnyDatabase } from '../../../support/databases.ts';
import {
  authorizationRequest,
  callbackOf,
  claimsOf,
  decide,
  enterPassword,
  formOf,
  personAt,
  redeem,
  signInAt,
} from '../../../support/person.ts';
import { formRequest } from '../../../support/raw-http.ts';
import { headerOf, send } from '../../../support/site-forms.ts';
import {
  aCitizen,
  aSite,
  startTestServer,
  type Citizen,
  type Site,
  type TestServer,
} from '../../../support/test-server.ts';

const SESSION = '__Host-yrt-session';

describeOnAnyDatabase('abuse/pages: sign-in steps', (current) => {
  let server: TestServer;
  /** Asks nothing; the private one asks for consent. */
  let site: Site;
  let privateSite: Site;
  let citizen: Citizen;
  let attacker: Citizen;
  before(async function () {
    this.timeout(60_000);
    server = await startTestServer(current());
    site = await aSite(server);
    privateSite = await aSite(server, { government: false, scope: 'openid profile phone' });
    [citizen, attacker] = [await aCitizen(server), await aCitizen(server)];
  });
  after(() => server.stop());

  const privateRequest = (more: Readonly<Record<string, string>> = {}) =>
    authorizationRequest(server, privateSite, { scope: 'openid phone', ...more });
  const jarOf = (browser: CookieBrowser) =>
    [...browser.cookies(server.issuer)].map(([name, value]) => `${name}=${value}`);
  const cookieHeader = (...jars: readonly string[][]) =>
    ['Cookie', jars.flat().join('; ')] as const;
  const sessionOf = (browser: CookieBrowser) =>
    jarOf(browser).filter((line) => line.startsWith(SESSION));

  /** The person that a session cookie stands for, as a site sees it; undefined for nobody. */
  async function whoIs(session: readonly string[]): Promise<unknown> {
    const request = authorizationRequest(server, site, { prompt: 'none' });
    const { pathname, search } = new URL(request.url);
    const answer = await send(server, {
      target: pathname + search,
      headers: [cookieHeader([...session])],
    });
    const code = new URL(headerOf(answer, 'location') ?? '').searchParams.get('code');
    if (code === null) return undefined;
    const { body } = await redeem(server, site, request, code);
    return claimsOf(body.id_token ?? '')['sub'];
  }

  describe('a session that somebody else planted', () => {
    it('I-01 is nobody’s and is replaced when it is made up', async () => {
      const planted = [`${SESSION}=planted-planted-planted`, `${SESSION}.sig=AAAAAAAAAAAAAAAA`];
      const request = authorizationRequest(server, site);
      const { pathname, search } = new URL(request.url);
      const headers = [cookieHeader(planted)];
      const answer = await send(server, { target: pathname + search, headers });
      expect(headerOf(answer, 'location')).to.match(/^\/interaction\/|\/interaction\//);
      expect(await whoIs(planted)).to.equal(undefined);
    });

    it('I-01 gets a new cookie at each sign-in, and the old one opens nothing', async () => {
      const browser = personAt(server);
      await signInAt(browser, citizen, authorizationRequest(server, site));
      const before = sessionOf(browser);
      const sub = await whoIs(before);
      expect(sub).to.be.a('string');
      const again = authorizationRequest(server, site, { prompt: 'login' });
      await enterPassword(browser, await browser.open(again.url), citizen);
      expect(sessionOf(browser)).not.to.deep.equal(before);
      expect(await whoIs(before)).to.equal(undefined);
      expect(await whoIs(sessionOf(browser))).to.equal(sub);
    });

    it('I-01 of the attacker’s own does not become the victim’s', async () => {
      const theirs = personAt(server);
      await signInAt(theirs, attacker, authorizationRequest(server, site));
      const planted = sessionOf(theirs);
      const attackerSub = await whoIs(planted);
      // The victim's browser holds the attacker's session and signs in as the victim.
      const [victim, again] = [theirs, authorizationRequest(server, site, { prompt: 'login' })];
      let page = await enterPassword(victim, await victim.open(again.url), citizen);
      // Another person was signed in: that session is ended first, by a form that sends itself.
      if (page.text.includes('name="xsrf"')) {
        const xsrf = /name="xsrf" value="([^"]*)"/.exec(page.text)?.[1] ?? '';
        const action = /action="([^"]*)"/.exec(page.text)?.[1] ?? '';
        page = await victim.submit(new URL(action, server.issuer), { xsrf, logout: 'yes' });
      }
      expect(callbackOf(page)).to.have.property('code');
      expect(await whoIs(planted)).to.equal(undefined);
      const victimSub = await whoIs(sessionOf(victim));
      expect(victimSub).to.be.a('string').and.not.equal(attackerSub);
    });
  });

  describe('an interaction of another browser', () => {
    it('I-02 opens to nobody else: not by its address, not with cookies of one’s own', async () => {
      const theirs = personAt(server);
      const page = await theirs.open(authorizationRequest(server, site).url);
      const uid = new URL(page.url).pathname.split('/')[2] ?? '';
      const stranger = personAt(server);
      const own = await stranger.open(authorizationRequest(server, site).url);
      const ownUid = new URL(own.url).pathname.split('/')[2] ?? '';
      // Own cookies, renamed to the other's interaction: the signature covers the name.
      const renamed = jarOf(stranger).map((line) => line.replace(ownUid, uid));
      const spellings = [`/interaction/${uid}`, `/interaction/${uid}/`, `/auth/${uid}`];
      const encoded = `/interaction/%${uid.charCodeAt(0).toString(16)}${uid.slice(1)}/password`;
      for (const target of [
        ...spellings,
        `/interaction/${uid}/password`,
        `/interaction/${uid}/consent`,
        encoded,
      ]) {
        for (const jar of [[], jarOf(stranger), renamed]) {
          const answer = await send(server, { target, headers: [cookieHeader(jar)] });
          expect(answer.status, `${target} ${jar.length}`).to.equal(400);
        }
      }
    });

    it('I-02 lets nobody be signed in by somebody else’s finished sign-in', async () => {
      const theirs = new CookieBrowser(({ pathname }) => pathname.startsWith('/auth/'));
      const page = await theirs.open(authorizationRequest(server, site).url);
      const resume = await enterPassword(theirs, page, attacker);
      expect(new URL(resume.url).pathname).to.match(/^\/auth\//);
      const victim = personAt(server);
      await victim.open(authorizationRequest(server, site).url);
      const opened = await victim.open(resume.url);
      expect(opened.status).to.equal(400);
      expect(jarOf(victim).some((line) => line.startsWith(SESSION))).to.equal(false);
    });

    it('I-02 takes no form of an attacker’s sign-in from the victim’s browser', async () => {
      const theirs = personAt(server);
      const { action, csrf } = formOf(
        await theirs.open(authorizationRequest(server, site).url),
        '/password',
      );
      const victim = personAt(server);
      await victim.open(authorizationRequest(server, site).url);
      const { headers, ...form } = formRequest({
        csrf,
        account: attacker.phone,
        password: attacker.password,
      });
      for (const origin of [[], [['Origin', 'https://evil.example'] as const]]) {
        const answer = await send(server, {
          ...{ target: new URL(action).pathname, ...form },
          headers: [...headers, cookieHeader(jarOf(victim)), ...origin],
        });
        expect(answer.status).to.be.oneOf([400, 403]);
        expect(answer.raw).not.to.include(`${SESSION}=`);
      }
    });
  });

  describe('steps out of order', () => {
    it('I-04 leads from every other step back to the password, and gives no code', async () => {
      const browser = personAt(server);
      const page = await browser.open(privateRequest().url);
      const base = new URL(page.url).pathname.replace(/\/password$/, '');
      const { csrf } = formOf(page, '/password');
      for (const next of [base, `${base}/consent`]) {
        expect(new URL((await browser.open(server.issuer + next)).url).pathname).to.equal(
          `${base}/password`,
        );
      }
      const posted = await browser.submit(`${server.issuer}${base}/consent`, {
        csrf,
        decision: 'allow',
      });
      expect(new URL(posted.url).pathname).to.equal(`${base}/password`);
      const uid = base.split('/')[2] ?? '';
      const resumed = await browser.open(`${server.issuer}/auth/${uid}`);
      expect(resumed.url).not.to.include('code=');
      expect(jarOf(browser).some((line) => line.startsWith(SESSION))).to.equal(false);
    });

    it('I-04 answers an empty form with the pending step', async () => {
      const browser = personAt(server);
      const page = await browser.open(privateRequest().url);
      const { action, csrf } = formOf(page, '/password');
      const blank = await browser.submit(action, { csrf, account: '', password: '' });
      expect([blank.status, blank.url]).to.deep.equal([422, page.url]);
      const empty = await browser.submit(action, { csrf });
      expect(empty.status).to.be.oneOf([400, 422]);
      const consent = await enterPassword(browser, page, citizen);
      const { action: consentAction, csrf: token } = formOf(consent, '/consent');
      for (const fields of [{}, { decision: '' }, { decision: 'perhaps' }]) {
        const answer = await browser.submit(consentAction, { csrf: token, ...fields });
        expect(answer.status).to.equal(400);
        expect(answer.url).not.to.include('code=');
      }
    });

    it('I-04 answers the last step, sent again, with no second code', async () => {
      const browser = personAt(server);
      const page = await browser.open(privateRequest().url);
      const { action, csrf } = formOf(page, '/password');
      const consent = await enterPassword(browser, page, citizen);
      const { action: consentAction, csrf: token } = formOf(consent, '/consent');
      const passwordAgain = await browser.submit(action, {
        csrf,
        account: citizen.phone,
        password: citizen.password,
      });
      expect(passwordAgain.url).not.to.include('code=');
      const done = await decide(browser, consent);
      expect(callbackOf(done)).to.have.property('code');
      for (const [url, fields] of [
        [consentAction, { csrf: token, decision: 'allow' }],
        [action, { csrf, account: citizen.phone, password: citizen.password }],
      ] as const) {
        const again = await browser.submit(url, fields);
        expect([again.status, again.url.includes('code=')]).to.deep.equal([400, false]);
      }
    });

    it('I-07 refuses the consent of one person after another signed in', async () => {
      const browser = personAt(server);
      const first = await browser.open(privateRequest({ prompt: 'login consent' }).url);
      const consent = await enterPassword(browser, first, attacker);
      const { action, csrf } = formOf(consent, '/consent');
      const second = await browser.open(
        authorizationRequest(server, site, { prompt: 'login' }).url,
      );
      const switched = await enterPassword(browser, second, citizen);
      const xsrf = /name="xsrf" value="([^"]*)"/.exec(switched.text)?.[1] ?? '';
      await browser.submit(`${server.issuer}/session/end/confirm`, { xsrf, logout: 'yes' });
      const answer = await browser.submit(action, { csrf, decision: 'allow' });
      expect([answer.status, answer.url.includes('code=')]).to.deep.equal([400, false]);
    });
  });
});
