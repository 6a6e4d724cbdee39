/** A site that does not answer, and more people than the machine can hash passwords for. */
import { setTimeout as sleep } from 'node:timers/promises';
import { formOf } from '../../support/person.ts';
import { authorizationRequest } from '../../support/person.ts';
import { ISSUER } from '../cluster/cluster.ts';
import { UNNOTICED, type Fault, type Injection } from '../fault.ts';
import { RequestFailed } from '../load/wire.ts';

export const hangingSite: Fault = {
  name: 'back-channel-hangs',
  short: true,
  expected: UNNOTICED,
  inject: ({ cluster }) => Promise.resolve(void (cluster.receiver.behaviour = 'hang')),
  heal: ({ cluster }) => Promise.resolve(void (cluster.receiver.behaviour = 200)),
};

/** Ten times the sign-ins of the load. */
const FLOOD_PER_SECOND = 25;
let flooding: AbortController | undefined;

/**
 * Answers of accounts that do not exist: each costs the server a whole (decoy) hash and the load
 * next to nothing.
 */
export const signInFlood: Fault = {
  name: 'sign-in-flood',
  short: true,
  expected: { longestMilliseconds: 3000, failures: 'told', recoverySeconds: 1 },
  inject: async (injection) => {
    flooding = new AbortController();
    void flood(injection, flooding.signal);
    await sleep(0);
  },
  heal: () => Promise.resolve(flooding?.abort()),
};

async function flood({ stage }: Injection, { aborted }: AbortSignal): Promise<void> {
  let count = 0;
  const signal = () => flooding?.signal.aborted ?? aborted;
  while (!signal()) {
    count += 1;
    void wrongAnswer({ stage }, `198${String(count).padStart(8, '0')}`).catch((error: unknown) => {
      if (!(error instanceof RequestFailed)) throw error;
    });
    await sleep(1000 / FLOOD_PER_SECOND);
  }
}

async function wrongAnswer({ stage }: Pick<Injection, 'stage'>, account: string): Promise<void> {
  const browser = stage.people.newBrowser();
  const { url } = authorizationRequest({ issuer: ISSUER }, stage.sites.named('portal'));
  const page = await browser.open(url);
  const { action, csrf } = formOf(page, '/password');
  await browser.submit(action, { csrf, account, password: 'Nobody-Knows-1' });
}
