/**
 * One connection to a candidate, kept alive, as a proxy in front of it would send: the public host,
 * https, the visitor's own address. Keeps cookies and follows redirects by hand.
 */
import { Client } from 'undici';
import { HOST, ISSUER, type RegisteredClient } from '../targets/target.ts';

export interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly text: string;
}

interface Asked {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

let addresses = 0;
/** A network address that nobody else in this run has: limits count per address. */
const nextAddress = () => {
  addresses += 1;
  return `10.${(addresses >> 16) & 255}.${(addresses >> 8) & 255}.${addresses & 255}`;
};

const FORM = 'application/x-www-form-urlencoded';

export class Visitor {
  readonly #client: Client;
  #cookies = new Map<string, string>();
  #address = nextAddress();

  constructor(origin: string) {
    this.#client = new Client(origin, { pipelining: 1, keepAliveTimeout: 60_000 });
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  /** A browser that was never here, at another address. */
  becomeStranger(): void {
    this.#cookies = new Map();
    this.#address = nextAddress();
  }

  /** As a program: without cookies. */
  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.#ask({ method: 'GET', path, headers });
  }

  /** As a program that authenticates with its secret. */
  postAs(
    client: RegisteredClient,
    path: string,
    fields: Readonly<Record<string, string>>,
  ): Promise<Answer> {
    const credentials = Buffer.from(`${client.client_id}:${client.client_secret}`);
    const authorization = `Basic ${credentials.toString('base64')}`;
    const body = new URLSearchParams(fields).toString();
    const headers = { authorization, 'content-type': FORM };
    return this.#ask({ method: 'POST', path, body, headers });
  }

  /** As a browser: with cookies, redirects on this host followed. Ends at a page or at a site. */
  async browse(path: string, fields?: Readonly<Record<string, string>>): Promise<Answer> {
    let answer = await this.#browseOnce(path, fields);
    for (let hops = 0; answer.location?.startsWith(ISSUER) === true; hops += 1) {
      if (hops > 10) throw new Error(`too many redirects from ${path}`);
      answer = await this.#browseOnce(answer.location.slice(ISSUER.length));
    }
    return answer;
  }

  async #browseOnce(path: string, fields?: Readonly<Record<string, string>>): Promise<Answer> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await this.#ask({
      method: fields ? 'POST' : 'GET',
      path,
      headers: {
        accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8',
        'accept-language': 'zh-CN,zh;q=0.9',
        'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) bench',
        ...(cookie !== '' && { cookie }),
        ...(fields && { 'content-type': FORM, origin: ISSUER, 'sec-fetch-site': 'same-origin' }),
      },
      ...(fields && { body: new URLSearchParams(fields).toString() }),
    });
    const { location } = answer;
    return { ...answer, location: location && new URL(location, ISSUER + path).href };
  }

  async #ask({ method, path, headers, body }: Asked): Promise<Answer> {
    const response = await this.#client.request({
      ...{ method, path, body: body ?? null },
      headers: {
        host: HOST,
        'x-forwarded-proto': 'https',
        'x-forwarded-for': this.#address,
        ...headers,
      },
    });
    this.#keep([response.headers['set-cookie'] ?? []].flat());
    const text = await response.body.text();
    const { location } = response.headers;
    return {
      ...{ status: response.statusCode, text },
      location: typeof location === 'string' ? location : undefined,
    };
  }

  #keep(lines: readonly string[]): void {
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '' || /expires=Thu, 01 Jan 1970/i.test(line)) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
  }
}
