/** The other side of sign-in-writes.ts, in a process of its own so that its CPU is not counted. */
import {
  authorizationRequest,
  callbackOf,
  enterPassword,
  personAt,
  redeem,
} from '../test/support/person.ts';
import type { Citizen, Site, TestServer } from '../test/support/test-server.ts';

export interface Order {
  readonly issuer: string;
  readonly site: Site;
  readonly citizens: readonly Citizen[];
  readonly parallel: number;
  readonly outcome: 'right' | 'wrong';
  readonly rounds: number;
}

process.once('message', (order: Order) => {
  void work(order).finally(() => process.disconnect());
});

async function work({ parallel, rounds, ...order }: Order): Promise<void> {
  let begun = 0;
  const visitor = async () => {
    while (begun < rounds) await signInOnce(order, begun++);
  };
  await Promise.all(Array.from({ length: parallel }, visitor));
}

/** From the site's request to its tokens; a wrong password ends at the page that refuses it. */
async function signInOnce(
  { issuer, site, citizens, outcome }: Omit<Order, 'parallel' | 'rounds'>,
  round: number,
): Promise<void> {
  const citizen = citizens[round % citizens.length];
  if (!citizen) throw new Error('no citizens');
  const server = { issuer } as TestServer;
  const browser = personAt(server);
  const request = authorizationRequest(server, site);
  const page = await browser.open(request.url);
  const password = outcome === 'right' ? citizen.password : 'Wrong-Bridge-0000';
  const answered = await enterPassword(browser, page, { ...citizen, password });
  if (outcome === 'wrong') {
    if (answered.status !== 422) throw new Error(`not refused: ${answered.status}`);
    return;
  }
  const { code = '' } = callbackOf(answered);
  const { status } = await redeem(server, site, request, code);
  if (status !== 200) throw new Error(`no tokens: ${status}`);
}
