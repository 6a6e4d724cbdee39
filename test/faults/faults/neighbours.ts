/** A site that does not answer, and more people than the machine can hash passwords for. */
import { setTimeout as sleep } from 'node:timers/promises';
import { authorizationRequest, formOf } from '../../support/person.ts';
import type { CookieBrowser } from '../../support/cookie-browser.ts';
import { ISSUER } from '../cluster/cluster.ts';
import { UNNOTICED, type Fault } from '../fault.ts';
import type { Stage } from '../load/operations.ts';
import { RequestFailed } from '../load/wire.ts';

export const hangingSite: Fault = {
  name: 'back-channel-hangs',
  short: true,
  expected: UNNOTICED,
  inject: ({ receiver }) => {
    receiver.behaviour = 'hang';
    return Promise.resolve(() => {
      receiver.behaviour = 200;
    });
  },
};

/** More than ten times the sign-ins of the load, and more than two cores can hash. */
const ANSWERS_PER_SECOND = 100;
/** What one address may try in a minute (DESIGN §10). */
const ANSWERS_PER_BROWSER = 20;

/**
 * Answers for accounts that do not exist: each costs the server a whole (decoy) hash and the load
 * next to nothing. Who waits in the queue waits for at most 64 hashes, whoever finds it full is told
 * so; everything that needs no hash goes on as ever.
 */
export const signInFlood: Fault = {
  name: 'sign-in-flood',
  short: true,
  expected: {
    ...{ longestMilliseconds: 1000, longestSignInMilliseconds: 5000 },
    ...{ failures: 'told', recoverySeconds: 5 },
  },
  inject: (_cluster, stage) => {
    const stopped = new AbortController();
    const flooding = flood(stage, stopped.signal);
    return Promise.resolve(async () => {
      stopped.abort();
      await flooding;
    });
  },
};

async function flood(stage: Stage, signal: AbortSignal): Promise<void> {
  for (let number = 0; !signal.aborted; number += ANSWERS_PER_BROWSER) {
    void floodFromOneBrowser(stage, number).catch((error: unknown) => {
      if (!(error instanceof RequestFailed)) stage.journal.violations.push(String(error));
    });
    await sleep((ANSWERS_PER_BROWSER * 1000) / ANSWERS_PER_SECOND);
  }
}

async function floodFromOneBrowser({ people, sites }: Stage, number: number): Promise<void> {
  const browser = people.newBrowser();
  const { url } = authorizationRequest({ issuer: ISSUER }, sites.named('portal'));
  const form = formOf(await browser.open(url), '/password');
  const answers = Array.from({ length: ANSWERS_PER_BROWSER }, (_, index) =>
    wrongAnswer(browser, form, number + index),
  );
  await Promise.all(answers);
}

async function wrongAnswer(
  browser: CookieBrowser,
  { action, csrf }: { action: string; csrf: string },
  number: number,
): Promise<void> {
  const account = `198${String(number).padStart(8, '0')}`;
  await browser.submit(action, { csrf, account, password: 'Nobody-Knows-1' });
}
