import { describeCodesAndRequests } from '../../support/conformance/codes-and-requests.ts';
import { describeSessionsAndPrompts } from '../../support/conformance/sessions-and-prompts.ts';
import { Tester } from '../../support/conformance/tester.ts';
import { describeTokensAndClaims } from '../../support/conformance/tokens-and-claims.ts';
import { offsetClock } from '../../support/clocks.ts';
import { describeOnEachDatabase } from '../../support/databases.ts';
import { startTestServer, type TestServer } from '../../support/test-server.ts';

// The lines of section 2, oidcc-basic-certification-test-plan.
describeOnEachDatabase('conformance/basic', (current) => {
  const clock = offsetClock();
  let server: TestServer;
  let tester: Tester;
  before(async () => {
    server = await startTestServer(current(), { clock });
    tester = await Tester.register(server, 'query');
  });
  after(() => server.stop());

  describeTokensAndClaims(() => tester);
  describeSessionsAndPrompts(() => tester);
  describeCodesAndRequests(() => tester, clock.advance);
});
