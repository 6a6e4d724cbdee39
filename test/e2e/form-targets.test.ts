/** Forms that end at a site, in a browser that enforces our policy: Chromium applies it to redirects. */
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import type { BrowserContext, Page } from 'playwright-core';
import { describeInBrowser } from '../support/browser.ts';
import { createEmbedded, dropDatabase, type TestDatabase } from '../support/databases.ts';
import { LocalServers } from '../support/local-server.ts';
import { authorizationRequest } from '../support/person.ts';
import {
  aCitizen,
  aSite,
  startTestServer,
  type Citizen,
  type Site,
  type TestServer,
} from '../support/test-server.ts';

interface Visit {
  readonly method: string | undefined;
  readonly path: string;
  readonly body: string;
}

describeInBrowser('e2e/forms that end at a site', (browser) => {
  const sites = new LocalServers();
  let database: TestDatabase;
  let server: TestServer;
  let context: BrowserContext;
  let page: Page;
  let site: Site;
  let origin: string;
  let elsewhere: string;
  let visits: Visit[];
  let complaints: string[];

  before(async () => {
    const port = await sites.start((request, response) => {
      void text(request).then((body) => {
        const { method, url = '' } = request;
        if (url !== '/favicon.ico') visits.push({ method, path: url, body });
        if (url.startsWith('/onward')) response.writeHead(302, { location: elsewhere }).end();
        else response.setHeader('content-type', 'text/html').end('<h1>the site</h1>');
      });
    });
    // Another host than the server's, so that the two are cross-site.
    origin = `http://127.0.0.1:${port}`;
    elsewhere = `http://127.0.0.1:${await sites.start((_, response) => response.end('here'))}/`;
    database = await createEmbedded();
    server = await startTestServer(database);
    site = await aSite(server, {
      redirect_uris: [`${origin}/callback`],
      post_logout_redirect_uris: [`${origin}/bye`],
    });
  });
  beforeEach(async () => {
    [visits, complaints] = [[], []];
    context = await browser().newContext();
    page = await context.newPage();
    page.setDefaultTimeout(10_000);
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
  });
  afterEach(() => context.close());
  after(async () => {
    await server.stop();
    await sites.stopAll();
    await dropDatabase(database);
  });

  const request = (more: Record<string, string> = {}) => authorizationRequest(server, site, more);
  const open = (url: string) => page.goto(url);
  const endSessionUrl = () => {
    const parameters = { client_id: site.clientId, post_logout_redirect_uri: `${origin}/bye` };
    const query = new URLSearchParams({ ...parameters, state: 'abc' });
    return `${server.issuer}/session/end?${query.toString()}`;
  };
  const arrived = (path: string) => page.waitForURL((url) => url.href.startsWith(origin + path));

  async function enter({ phone, password }: Citizen): Promise<void> {
    await page.locator('input[name=account]').fill(phone);
    await page.locator('input[name=password]').fill(password);
    await page.locator('form[action$="/password"] .button-primary').click();
  }
  async function signIn(citizen: Citizen): Promise<void> {
    await open(request().url);
    await enter(citizen);
    await arrived('/callback');
    visits.length = 0;
  }

  it('form_post: the code is posted to the site after the password', async () => {
    const asked = request({ response_mode: 'form_post' });
    await open(asked.url);
    await enter(await aCitizen(server));
    await arrived('/callback');
    const posted = new URLSearchParams(visits[0]?.body);
    expect(visits[0]).to.include({ method: 'POST', path: '/callback' });
    expect(posted.get('state')).to.equal(asked.state);
    expect(posted.has('code')).to.equal(true);
    expect(complaints).to.deep.equal([]);
  });

  it('form_post: an error is posted to the site', async () => {
    await open(request({ response_mode: 'form_post', prompt: 'none' }).url);
    await arrived('/callback');
    expect(new URLSearchParams(visits[0]?.body).get('error')).to.equal('login_required');
  });

  it('a callback sends the person on to another origin that the site registered', async () => {
    const hub = await aSite(server, {
      redirect_uris: [`${origin}/onward`],
      onward_origins: [new URL(elsewhere).origin],
    });
    await open(authorizationRequest(server, hub).url);
    await enter(await aCitizen(server));
    await page.waitForURL(elsewhere);
    expect(complaints).to.deep.equal([]);
  });

  it('a posted authorization request finds the session', async () => {
    await signIn(await aCitizen(server));
    const asked = request({ prompt: 'none' });
    await submitFromSite(asked.url);
    await arrived('/callback');
    expect(new URL(page.url()).searchParams.has('code')).to.equal(true);
  });

  it('sign-out ends at the site', async () => {
    await signIn(await aCitizen(server));
    await open(endSessionUrl());
    await page.locator('button[name=logout]').click();
    await arrived('/bye');
    expect(visits[0]).to.include({ method: 'GET', path: '/bye?state=abc' });
    expect(complaints).to.deep.equal([]);
  });

  it('a posted sign-out asks the person who is signed in', async () => {
    await signIn(await aCitizen(server));
    await submitFromSite(endSessionUrl());
    await page.locator('button[name=logout]').click();
    await arrived('/bye');
    await open(request().url);
    expect(await page.locator('input[name=password]').isVisible()).to.equal(true);
  });

  it('sign-out without a session goes on to the site by itself', async () => {
    await open(endSessionUrl());
    await arrived('/bye');
    expect(complaints).to.deep.equal([]);
  });

  it('another person signs in over a session, and arrives at the site as themselves', async () => {
    await signIn(await aCitizen(server));
    await open(request({ prompt: 'login' }).url);
    const other = await aCitizen(server);
    await enter(other);
    await arrived('/callback');
    expect(new URL(page.url()).searchParams.has('code')).to.equal(true);
    const [session, ...more] = await server.running.services.records.sessions.listOf(
      other.accountId,
    );
    expect(session?.clientIds).to.deep.equal([site.clientId]);
    expect(more).to.deep.equal([]);
    expect(complaints).to.deep.equal([]);
  });

  /** As a site does: a form with the URL's parameters, posted from its own page. */
  async function submitFromSite(url: string): Promise<void> {
    await open(`${origin}/form`);
    const { origin: target, pathname, searchParams } = new URL(url);
    const inputs = [...searchParams].map(
      ([name, value]) => `<input type="hidden" name="${name}" value="${value}">`,
    );
    const action = `${target}${pathname}`;
    await page.setContent(
      `<form method="post" action="${action}">${inputs.join('')}<button>go</button></form>`,
    );
    visits.length = 0;
    await page.getByRole('button', { name: 'go' }).click();
  }
});
