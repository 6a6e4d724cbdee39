// ABUSE-CASES A-08: nothing about an answer tells whether there is such an account.
import { expect } from 'chai';
import type { AccountStatus } from '#accounts/accounts.ts';
import { createEphemeralKeyRing } from '#crypto/key-ring.ts';
import { systemClock, type Clock } from '#lib/clock.ts';
import { clockAt } from '../../../support/clocks.ts';
import { asOwner, describeOnPostgresql, type TestDatabase } from '../../../support/databases.ts';
import { openSignIn, type OpenSignIn } from '../../../support/password-requests.ts';
import { sendRaw, type RawAnswer } from '../../../support/raw-http.ts';
import {
  aCitizen,
  aSite,
  residentIdNumber,
  startTestServer,
  type Citizen,
  type TestServer,
} from '../../../support/test-server.ts';

interface Guess {
  readonly account: string;
  readonly password: string;
}

/** Phone, ID number and user name of an account, each with a password. */
const guesses = (citizen: Omit<Citizen, 'accountId' | 'name'>, password: string): Guess[] =>
  [citizen.phone, citizen.idNumber ?? '', citizen.username].map((account) => ({
    account,
    password,
  }));

let absences = 0;
/** Identifiers that lead to no account and that no other test tried. */
function anAbsentOne() {
  absences += 1;
  return {
    phone: `1389999000${absences}`,
    username: `nobody-at-all-${absences}`,
    idNumber: residentIdNumber(990 + absences),
    password: '',
  };
}

/** Every kind of account, each asked by each kind of identifier. */
async function kindsOn(
  server: TestServer,
  database: TestDatabase,
): Promise<ReadonlyMap<string, readonly Guess[]>> {
  const { accounts } = server.running.services.records;
  const withStatus = async (status: AccountStatus) => {
    const citizen = await aCitizen(server);
    await accounts.changeStatus(citizen.accountId, status);
    return citizen;
  };
  const [locked, lockedToo] = [await withStatus('locked'), await withStatus('locked')];
  const [frozen, cancelled] = [await withStatus('frozen'), await withStatus('cancelled')];
  const passwordless = await aCitizen(server);
  const { accountId } = passwordless;
  await asOwner(database, (owner) =>
    owner('password_credentials').where({ account_id: accountId }).delete(),
  );
  return new Map([
    ['existing, wrong password', guesses(await aCitizen(server), 'Wrong-Guess-1')],
    ['absent', guesses(anAbsentOne(), 'Wrong-Guess-1')],
    ['locked, right password', guesses(locked, locked.password)],
    ['locked, wrong password', guesses(lockedToo, 'Wrong-Guess-1')],
    ['frozen, right password', guesses(frozen, frozen.password)],
    ['cancelled, right password', guesses(cancelled, cancelled.password)],
    ['without password', guesses(passwordless, 'Wrong-Guess-1')],
  ]);
}

/** What a stranger can see, less what is random in every answer and what they typed themselves. */
function visible({ status, headers, body }: RawAnswer, { account }: Guess) {
  const random = new Set(['date', 'content-length', 'keep-alive']);
  const shown = [...headers].filter(([name]) => !random.has(name));
  return {
    status,
    headers: JSON.stringify(shown)
      .replaceAll(/nonce-[\w+/=-]+/g, 'nonce')
      .replaceAll(/expires=[^;]*/g, 'expires'),
    body: body.replaceAll(/nonce="[^"]*"/g, 'nonce').replaceAll(account, 'ACCOUNT'),
  };
}

const median = (numbers: readonly number[]) =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;

/** The others differ from these by nothing but the value of a column. */
const TIMED = ['existing, wrong password', 'absent', 'locked, right password', 'without password'];

describeOnPostgresql('abuse/authenticators: is there such an account?', (current) => {
  const keys = createEphemeralKeyRing();
  let server: TestServer;
  let signIn: OpenSignIn;
  let kinds: ReadonlyMap<string, readonly Guess[]>;

  const use = async (settings: Readonly<Record<string, unknown>>, clock: Clock = systemClock) => {
    server = await startTestServer(current(), { settings, clock, keys });
    signIn = await openSignIn(server, await aSite(server));
    kinds = await kindsOn(server, current());
  };
  const ask = async ({ account, password }: Guess): Promise<RawAnswer> =>
    await sendRaw(server.running.port, {
      ...signIn.request({ account, password }),
      host: new URL(server.issuer).host,
    });
  afterEach(() => server.stop());

  it('A-08 gives the same answer, and takes the same time, with the real hash', async () => {
    const password = { memoryKibibytes: 19456, passes: 2 };
    await use({ password, attempts: { maxPerWindow: 10_000, disableAfter: 10_000 } });
    const answers = new Set<string>();
    const timed = [...kinds].filter(([kind]) => TIMED.includes(kind));
    const times = new Map(timed.map(([kind]): [string, number[]] => [kind, []]));
    const SAMPLES = 60;
    for (let sample = 0; sample < SAMPLES; sample += 1) {
      for (const [kind, spellings] of timed) {
        const guess = spellings[sample % spellings.length];
        if (!guess) throw new Error('no guess');
        const startedAt = performance.now();
        const answer = await ask(guess);
        times.get(kind)?.push(performance.now() - startedAt);
        answers.add(JSON.stringify(visible(answer, guess)));
      }
    }
    expect([...answers]).to.have.length(1);
    expect([...answers][0]).to.include('"status":422');
    const medians = [...times].map(([kind, list]) => ({ kind, median: median(list) }));
    const base = medians[0]?.median ?? 0;
    // A missing hash would halve it, or worse; what else differs is lost in the noise.
    for (const { kind, median: time } of medians) {
      expect(time, JSON.stringify({ kind, medians })).to.be.within(base * 0.8, base * 1.25);
    }
  }).timeout(120_000);

  it('A-08 locks absent accounts like existing ones: the same answers in the same order', async () => {
    // The clock stands still, so that every lock has the same time to go.
    await use({}, clockAt(new Date().toISOString()));
    const courses = new Set<string>();
    for (const [guess] of kinds.values()) {
      if (!guess) throw new Error('no guess');
      const course: unknown[] = [];
      for (let attempt = 0; attempt < 7; attempt += 1) {
        const { status, headers, body } = visible(await ask(guess), guess);
        course.push([status, headers, body]);
      }
      courses.add(JSON.stringify(course));
    }
    expect([...courses]).to.have.length(1);
    const [only = ''] = courses;
    const statuses = (JSON.parse(only) as [number][]).map(([status]) => status);
    expect(statuses).to.deep.equal([422, 422, 422, 422, 422, 429, 429]);
  });
});
