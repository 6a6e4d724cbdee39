/** What a person and a site do together, at any candidate. */
import { createHash, randomBytes } from 'node:crypto';
import { CALLBACK, PASSWORD, phoneOf, SITE } from '../targets/target.ts';
import type { Answer, Visitor } from './visitor.ts';

export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly id_token: string;
}

const PASSWORD_FORM = /<form[^>]*action="([^"]*\/password)"[^>]*>([\s\S]*?)<\/form>/;

const random = () => randomBytes(16).toString('base64url');

/** One authorization request of the site, and what it must remember. */
function request(more: Readonly<Record<string, string>>) {
  const verifier = random() + random() + random();
  const parameters = {
    client_id: SITE.client_id,
    response_type: 'code',
    redirect_uri: CALLBACK,
    scope: SITE.scope,
    state: random(),
    nonce: random(),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...more,
  };
  return { path: `/auth?${new URLSearchParams(parameters).toString()}`, verifier };
}

/** From the site's link to its tokens, when the person is signed in already. */
export async function enterSite(
  visitor: Visitor,
  more: Readonly<Record<string, string>> = {},
): Promise<Tokens> {
  const { path, verifier } = request(more);
  return await redeem(visitor, await visitor.browse(path), verifier);
}

/** The same for a browser without a session: the page, the password, the tokens. */
export async function signIn(
  visitor: Visitor,
  citizen: number,
  more: Readonly<Record<string, string>> = {},
): Promise<Tokens> {
  const { path, verifier } = request(more);
  const page = await visitor.browse(path);
  return await redeem(visitor, await enterPassword(visitor, page, citizen), verifier);
}

/** The path of the password form of a new sign-in, with its fields. */
export async function openPasswordPage(visitor: Visitor): Promise<Answer> {
  return await visitor.browse(request({}).path);
}

export async function enterPassword(
  visitor: Visitor,
  page: Answer,
  citizen: number,
  password = PASSWORD,
): Promise<Answer> {
  const [, action, form = ''] = PASSWORD_FORM.exec(page.text) ?? [];
  if (action === undefined) throw new Error(`no password form: ${shortly(page)}`);
  const csrf = /name="csrf"[^>]*value="([^"]*)"/.exec(form)?.[1];
  const fields = { account: phoneOf(citizen), password, ...(csrf !== undefined && { csrf }) };
  return await visitor.browse(action, fields);
}

async function redeem(visitor: Visitor, { location = '', ...answer }: Answer, verifier: string) {
  const code = URL.parse(location)?.searchParams.get('code');
  if (code == null) throw new Error(`no code: ${location} ${shortly(answer)}`);
  const fields = { grant_type: 'authorization_code', code, redirect_uri: CALLBACK };
  return tokensOf(await visitor.postAs(SITE, '/token', { ...fields, code_verifier: verifier }));
}

export function tokensOf(answer: Answer): Tokens {
  if (answer.status !== 200) throw new Error(`no tokens: ${shortly(answer)}`);
  return JSON.parse(answer.text) as Tokens;
}

export const shortly = ({ status, text }: Pick<Answer, 'status' | 'text'>) =>
  `${status} ${text.slice(0, 200).replaceAll(/\s+/g, ' ')}`;
