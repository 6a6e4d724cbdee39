/** This site's own sessions, in memory; the cookie holds nothing but a random id. */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LoginChecks, SignedIn } from './relying-party.ts';
import type { LogoutOrder } from './logout-token.ts';

export interface Session {
  id: string;
  /** Logins under way, by state: several tabs may each have one. */
  pending: Map<string, LoginChecks>;
  person: SignedIn | undefined;
  lastUsed: number;
}

const IDLE_MILLISECONDS = 30 * 60 * 1000;
const MAX_PENDING = 5;
const MAX_SESSIONS = 10_000;

export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #cookie: string;
  readonly #attributes: string;

  /** Cookies are shared by all ports of a host name, so each site's cookie has its own name. */
  constructor(clientId: string, homeUri: string) {
    const isSecure = homeUri.startsWith('https:');
    this.#cookie = `${isSecure ? '__Host-' : ''}${clientId}-session`;
    this.#attributes = `Path=/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;
  }

  find(request: IncomingMessage): Session | undefined {
    const cookies = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim());
    const id = cookies.find((pair) => pair.startsWith(`${this.#cookie}=`))?.split('=')[1];
    const session = this.#sessions.get(id ?? '');
    if (!session || Date.now() - session.lastUsed > IDLE_MILLISECONDS) return undefined;
    session.lastUsed = Date.now();
    return session;
  }

  /** Remembers what /callback will need; a browser without a session gets one. */
  rememberLogin(request: IncomingMessage, response: ServerResponse, checks: LoginChecks): void {
    const session = this.find(request) ?? this.#start(response);
    const oldest = [...session.pending.keys()][0];
    if (session.pending.size >= MAX_PENDING && oldest) session.pending.delete(oldest);
    session.pending.set(checks.state, checks);
  }

  /** Takes the checks of a login out of the session, so that they serve once. */
  takeLogin(session: Session | undefined, state: string | null): LoginChecks | undefined {
    const checks = session?.pending.get(state ?? '');
    if (checks) session?.pending.delete(checks.state);
    return checks;
  }

  /** Under a new id, so that an id planted before the login is worth nothing (fixation). */
  signIn(previous: Session | undefined, response: ServerResponse, person: SignedIn): void {
    if (previous) this.#sessions.delete(previous.id);
    this.#start(response).person = person;
  }

  end(session: Session, response: ServerResponse): void {
    this.#sessions.delete(session.id);
    response.appendHeader('set-cookie', `${this.#cookie}=; ${this.#attributes}; Max-Age=0`);
  }

  /** Ends what a logout token names: one session by `sid`, or all of a person by `sub`. */
  endByOrder({ subject, sid }: LogoutOrder): number {
    const ended = [...this.#sessions.values()].filter(({ person }) => {
      if (!person) return false;
      if (subject !== undefined && person.subject !== subject) return false;
      return sid === undefined || person.sid === sid;
    });
    for (const { id } of ended) this.#sessions.delete(id);
    return ended.length;
  }

  #start(response: ServerResponse): Session {
    for (const { id, lastUsed } of this.#sessions.values()) {
      if (Date.now() - lastUsed > IDLE_MILLISECONDS || this.#sessions.size >= MAX_SESSIONS) {
        this.#sessions.delete(id);
      }
    }
    const id = randomBytes(32).toString('base64url');
    const session: Session = { id, pending: new Map(), person: undefined, lastUsed: Date.now() };
    this.#sessions.set(id, session);
    response.appendHeader('set-cookie', `${this.#cookie}=${id}; ${this.#attributes}`);
    return session;
  }
}
