import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { describeCodesAndRequests } from '../../support/conformance/codes-and-requests.ts';
import { describeSessionsAndPrompts } from '../../support/conformance/sessions-and-prompts.ts';
import { postedForm, Tester } from '../../support/conformance/tester.ts';
import { describeTokensAndClaims } from '../../support/conformance/tokens-and-claims.ts';
import { offsetClock } from '../../support/clocks.ts';
import type { Page } from '../../support/cookie-browser.ts';
import { describeOnPostgresql } from '../../support/databases.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

// Section 3: the lines of section 2 with response_mode=form_post. That the page works in a browser
// is in test/e2e/form-targets.test.ts.
describeOnPostgresql('conformance/form-post', (current) => {
  const clock = offsetClock();
  let server: TestServer;
  let tester: Tester;
  before(async () => {
    server = await startTestServer(current(), { clock });
    tester = await Tester.register(server, 'form_post');
  });
  after(() => server.stop());

  describeTokensAndClaims(() => tester);
  describeSessionsAndPrompts(() => tester);
  describeCodesAndRequests(() => tester, clock.advance);

  const answers: Record<string, () => Promise<Page>> = {
    success: async () => (await tester.answer(tester.browser(), tester.request())).page,
    error: async () => {
      const request = tester.request({ prompt: 'none' });
      return (await tester.immediate(tester.browser(), request)).page;
    },
  };
  for (const [name, answer] of Object.entries(answers)) {
    it(`3 ${name}: a page whose form is sent by its script, or by its button without scripts`, async () => {
      const page = await answer();
      const form = postedForm(page);
      expect(form?.action).to.equal(tester.site.redirectUri);
      expect(page.headers.get('content-type')).to.match(/^text\/html/);
      expect(page.headers.get('cache-control')).to.equal('no-store');
      expect(page.text).to.match(/<noscript>[\s\S]*<button[^>]*type="submit"[\s\S]*<\/noscript>/);
    });

    it(`3 ${name}: nothing of the answer is in a URL`, async () => {
      const { url, text } = await answer();
      expect(new URL(url).searchParams.has('code')).to.equal(false);
      expect(new URL(postedForm({ text })?.action ?? '').search).to.equal('?kept=yes');
    });

    it(`3 ${name}: the policy allows that script and that target, and no more`, async () => {
      const page = await answer();
      const script = /<script>([\s\S]*?)<\/script>/.exec(page.text)?.[1] ?? '';
      const hash = createHash('sha256').update(script).digest('base64');
      const policy = directivesOf(page);
      expect(policy['script-src']).to.include(`'sha256-${hash}'`);
      expect(policy['script-src']).not.to.include("'unsafe-inline'");
      const { origin } = new URL(tester.site.redirectUri);
      expect(policy['form-action']).to.deep.equal(["'self'", origin]);
      expect(policy['default-src']).to.deep.equal(["'none'"]);
      expect(policy['frame-ancestors']).to.deep.equal(["'none'"]);
    });
  }
});

const directivesOf = ({ headers }: Page): Record<string, string[]> =>
  Object.fromEntries(
    (headers.get('content-security-policy') ?? '').split(';').map((directive) => {
      const [name = '', ...values] = directive.trim().split(/\s+/);
      return [name, values];
    }),
  );
