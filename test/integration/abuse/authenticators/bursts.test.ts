// ABUSE-CASES: guesses at the same moment, on two processes of the server.
import { expect } from 'chai';
import { burst, statusesOf, type BurstTarget } from '../../../support/burst.ts';
import { describeOnPostgresql } from '../../../support/databases.ts';
import { eventsOf, openSignIn } from '../../../support/password-requests.ts';
import {
  authorizationRequest,
  callbackOf,
  enterPassword,
  personAt,
  signInAt,
} from '../../../support/person.ts';
import { sendRaw } from '../../../support/raw-http.ts';
import { startSecondProcess, type SecondProcess } from '../../../support/second-process.ts';
import {
  aCitizen,
  aSite,
  startTestServer,
  type Site,
  type TestServer,
} from '../../../support/test-server.ts';

describeOnPostgresql('abuse/authenticators: guesses at the same moment', (current) => {
  let server: TestServer;
  let second: SecondProcess;
  let site: Site;
  let both: BurstTarget;
  before(async () => {
    server = await startTestServer(current());
    second = await startSecondProcess(server, current());
    site = await aSite(server);
    both = { ports: [server.running.port, second.port], host: new URL(server.issuer).host };
  });
  after(async () => {
    await second.stop();
    await server.stop();
  });

  it('A-01 compares at most 5 of 100 answers, refuses the right one, and locks once', async () => {
    const citizen = await aCitizen(server);
    const { request } = await openSignIn(server, site);
    const answers = await burst(100, both, (index) =>
      request({
        account: citizen.phone,
        password: index === 99 ? citizen.password : `Wrong-Guess-${index}`,
      }),
    );
    const statuses = statusesOf(answers);
    expect(statuses[422]).to.be.within(1, 5);
    expect(statuses).to.deep.equal({ 422: statuses[422], 429: 100 - (statuses[422] ?? 0) });
    expect(answers.every(({ headers }) => !headers.has('location'))).to.equal(true);

    const events = await eventsOf(server, citizen.accountId);
    const named = (name: string) => events.filter(({ event }) => event === name);
    const compared = named('authn_login_fail').filter(
      ({ details }) => details['reason'] === 'wrong_answer',
    );
    expect(compared).to.have.length(statuses[422] ?? 0);
    expect(named('authn_login_lock')).to.have.length(1);
    expect(named('authn_login_success')).to.have.length(0);
    const sessions = await server.running.services.records.sessions.listOf(citizen.accountId);
    expect(sessions).to.deep.equal([]);
  });

  it('A-01 counts an absent account the same way', async () => {
    const { request } = await openSignIn(server, site);
    const answers = await burst(60, both, (index) =>
      request({ account: '13911112222', password: `Wrong-Guess-${index}` }),
    );
    const statuses = statusesOf(answers);
    expect(statuses[422]).to.be.within(1, 5);
    expect(statuses).to.deep.equal({ 422: statuses[422], 429: 60 - (statuses[422] ?? 0) });
  });

  it('A-02 lets ten right answers in, all of them', async () => {
    const citizen = await aCitizen(server);
    const tabs = await Promise.all(Array.from({ length: 10 }, () => openSignIn(server, site)));
    const answers = await burst(10, both, (index) => {
      const tab = tabs[index];
      if (!tab) throw new Error('no such tab');
      return tab.request({ account: citizen.phone, password: citizen.password });
    });
    expect(statusesOf(answers)).to.deep.equal({ 303: 10 });
    const events = await eventsOf(server, citizen.accountId);
    expect(events.map(({ event }) => event)).to.deep.equal(
      Array.from({ length: 10 }, () => 'authn_login_success'),
    );
  });

  it('A-03 lets the owner in on a known device while the attacker stays locked out', async () => {
    const citizen = await aCitizen(server);
    const { host } = both;
    const home = personAt(server);
    await signInAt(home, citizen, authorizationRequest(server, site));

    const attacker = await openSignIn(server, site);
    await burst(10, both, () => attacker.request({ account: citizen.phone, password: 'Wrong-1' }));
    const guess = attacker.request({ account: citizen.phone, password: citizen.password });
    expect((await sendRaw(server.running.port, { ...guess, host })).status).to.equal(429);

    const again = authorizationRequest(server, site, { prompt: 'login' });
    const signedIn = await enterPassword(home, await home.open(again.url), citizen);
    expect(callbackOf(signedIn)).to.have.property('code');
    for (const port of both.ports) {
      expect((await sendRaw(port, { ...guess, host })).status).to.equal(429);
    }
  });

  it('A-03 takes no other account’s device for a known one', async () => {
    const [victim, attacker] = [await aCitizen(server), await aCitizen(server)];
    const browser = personAt(server);
    await signInAt(browser, attacker, authorizationRequest(server, site));
    const stranger = await openSignIn(server, site);
    await burst(10, both, () => stranger.request({ account: victim.phone, password: 'Wrong-1' }));

    const { request } = await openSignIn(server, site, browser);
    const guess = request({ account: victim.phone, password: victim.password });
    expect((await sendRaw(server.running.port, { ...guess, host: both.host })).status).to.equal(
      429,
    );
  });
});
