/** The rows of the benchmark: what one operation is, at any candidate. */
import { API, JWT_API, MACHINE, OPAQUE_API, SITE } from '../targets/target.ts';
import { enterSite, shortly, signIn, tokensOf } from './sign-in.ts';
import type { Answer, Visitor } from './visitor.ts';

export interface Scenario {
  readonly name: string;
  /** Short name for `--only`. */
  readonly key: string;
  /**
   * What a seat (one connection) does once before, and then over and over.
   *
   * @param seat - number of the connection; each has its own citizens
   */
  prepare(visitor: Visitor, seat: number): Promise<() => Promise<unknown>>;
}

const still =
  (operation: (visitor: Visitor) => Promise<unknown>): Scenario['prepare'] =>
  (visitor) =>
    Promise.resolve(() => operation(visitor));

export const SCENARIOS: readonly Scenario[] = [
  {
    ...{ key: 'discovery', name: 'discovery' },
    prepare: still((visitor) => visitor.get('/.well-known/openid-configuration').then(expectJson)),
  },
  {
    ...{ key: 'jwks', name: 'JWKS' },
    prepare: still((visitor) => visitor.get('/jwks').then(expectJson)),
  },
  {
    ...{ key: 'cc-opaque', name: 'client credentials, opaque' },
    prepare: still((visitor) => clientCredentials(visitor, OPAQUE_API)),
  },
  {
    ...{ key: 'cc-jwt', name: 'client credentials, JWT' },
    prepare: still((visitor) => clientCredentials(visitor, JWT_API)),
  },
  {
    ...{ key: 'introspection', name: 'introspection' },
    async prepare(visitor, seat) {
      const { access_token } = await signIn(visitor, seat, { resource: OPAQUE_API });
      return async () => {
        const answer = await visitor.postAs(API, '/token/introspection', { token: access_token });
        if (!answer.text.includes('"active":true')) throw new Error(shortly(answer));
      };
    },
  },
  {
    ...{ key: 'userinfo', name: 'userinfo' },
    async prepare(visitor, seat) {
      const { access_token } = await signIn(visitor, seat);
      const headers = { authorization: `Bearer ${access_token}` };
      return () => visitor.get('/me', headers).then(expectJson);
    },
  },
  {
    ...{ key: 'refresh', name: 'refresh' },
    async prepare(visitor, seat) {
      let { refresh_token } = await signIn(visitor, seat);
      return async () => {
        const fields = { grant_type: 'refresh_token', refresh_token };
        ({ refresh_token } = tokensOf(await visitor.postAs(SITE, '/token', fields)));
      };
    },
  },
  {
    ...{ key: 'sso', name: 'SSO authorization → code → tokens' },
    async prepare(visitor, seat) {
      await signIn(visitor, seat);
      return () => enterSite(visitor);
    },
  },
  {
    ...{ key: 'sign-in', name: 'password sign-in, end to end' },
    prepare: (visitor) =>
      Promise.resolve(async () => {
        visitor.becomeStranger();
        await signIn(visitor, nextCitizen());
      }),
  },
];

let citizens = 0;
/** Everybody in turn: nobody gathers more sessions than a person has. */
export const nextCitizen = () => (citizens += 1);

async function clientCredentials(visitor: Visitor, resource: string): Promise<void> {
  const fields = { grant_type: 'client_credentials', resource };
  const answer = await visitor.postAs(MACHINE, '/token', fields);
  if (answer.status !== 200) throw new Error(shortly(answer));
}

function expectJson(answer: Answer): void {
  if (answer.status !== 200 || !answer.text.startsWith('{')) throw new Error(shortly(answer));
}

/** @throws Error for a name that no row has */
export function chosen(only: readonly string[]): readonly Scenario[] {
  const unknown = only.filter((key) => !SCENARIOS.some((scenario) => scenario.key === key));
  if (unknown.length > 0) {
    const known = SCENARIOS.map(({ key }) => key).join(', ');
    throw new Error(`no such row: ${unknown.join(', ')}; there are ${known}`);
  }
  return SCENARIOS.filter(({ key }) => only.length === 0 || only.includes(key));
}
