/**
 * oidc-provider's Session model over the session store. The library reads a session whole, changes
 * it and writes it back whole, as often as a request comes; here every save says what the request
 * had found, so that the store can merge it with what others did meanwhile.
 */
import {
  Provider,
  errors,
  type Adapter,
  type AdapterPayload,
  type KoaContextWithOIDC,
  type Session,
} from 'oidc-provider';
import type { AuditLog } from '#audit/audit-log.ts';
import { systemOrigin, type RequestOrigin } from '#lib/request-origin.ts';
import { hashOf } from '#store/handles.ts';
import type { RecordStore } from '#store/record-store.ts';
import type {
  EndedSession,
  FoundSession,
  SaveOutcome,
  SaveSession,
  SessionRecord,
  SessionStore,
  SiteEntry,
} from '#store/session-store.ts';
import { RequestWrites } from './request-writes.ts';
import { sessionEvents } from './session-events.ts';

interface SessionDependencies {
  readonly sessions: SessionStore;
  readonly records: Pick<RecordStore, 'revokeGrant'>;
  readonly audit: Pick<AuditLog, 'change'>;
  originNow(): RequestOrigin | undefined;
  onSessionEnded(ended: EndedSession): Promise<void>;
}

/**
 * Stands for the handle of a session that was found by its uid: the handle itself is not stored.
 * No cookie has this form, and one that had would not be found by its hash.
 */
const BY_UID = 'uid:';

type Sites = Readonly<Record<string, SiteEntry>>;
type SessionPayload = AdapterPayload & { readonly uid: string; authorizations?: Sites };

export class SessionAdapter implements Adapter {
  readonly #with: SessionDependencies;
  /** By the library's `authorizations` object, which it changes in place and hands back. */
  readonly #found = new WeakMap<object, FoundSession>();

  constructor(dependencies: SessionDependencies) {
    this.#with = dependencies;
  }

  async find(id: string) {
    const session = await this.#with.sessions.findByHandle(id);
    return session && this.#toPayload(session, id);
  }

  async findByUid(uid: string) {
    const session = await this.#with.sessions.findByUid(uid);
    return session && this.#toPayload(session, `${BY_UID}${uid}`);
  }

  /**
   * @throws SessionNotFound (400) when the session was ended since this request read it; what the
   *   request was about to hand out does not leave the house
   */
  async upsert(id: string, payload: AdapterPayload, expiresIn = 0) {
    const { uid, accountId, authorizations = {}, ...rest } = payload as SessionPayload;
    const found = this.#found.get(authorizations);
    const sites = enteredSites(authorizations, found);
    const handle = handleOf(id);
    const outcome = await this.#save({
      handle,
      session: {
        uid,
        ...(accountId !== undefined && { accountId }),
        payload: { ...rest, jti: undefined },
        sites,
      },
      found,
      // A save in the very second of expiry comes with 0.
      lifetimeSeconds: Math.max(1, expiresIn),
      origin: this.#with.originNow(),
    });
    if (outcome === 'ended') await this.#refuse(sites, found);
    // The cookie on its way would overwrite the one that the newer sign-in gave the browser.
    if (outcome === 'superseded') dropSessionCookie(Provider.ctx);
    if (outcome === 'saved') this.#found.set(authorizations, { handle, sites });
  }

  /**
   * The session, the grants that it names and what the audit log must know of it: one commit. A
   * session without its audit row does not happen, and its cookie does not leave the house.
   */
  async #save(change: SaveSession): Promise<SaveOutcome> {
    const writes = RequestWrites.of(Provider.ctx);
    const events = sessionEvents(change, Provider.ctx);
    if (events.length === 0 && (writes?.isEmpty ?? true)) {
      return await this.#with.sessions.save(change);
    }
    const commit: SaveSession['commit'] = async (write) => {
      const outcome = await this.#with.audit.change({
        // Ending sessions locks their rows in the same order.
        key: hashOf(change.session.uid).toString('hex'),
        origin: change.origin ?? systemOrigin,
        make: async (transaction) => {
          const result = await write(transaction);
          // Over a session that was ended nothing is written, nor granted.
          if (result === 'ended') return { result, events: [] };
          await writes?.writeTo(transaction);
          return { result, events };
        },
      });
      if (outcome !== 'ended') await writes?.committed();
      return outcome;
    };
    try {
      return await this.#with.sessions.save({ ...change, commit });
    } catch (error) {
      dropSessionCookie(Provider.ctx);
      throw error;
    }
  }

  /**
   * Signing out ends the session. Replacing the cookie's value at a sign-in also comes here, with
   * the old value, just before the save that makes the new one take its place: nothing to do.
   */
  async destroy(id: string) {
    const session = Provider.ctx?.oidc.session;
    if (session && isRotation(session, id)) return;
    const uid = await this.#uidOf(id, session);
    const ended = uid === undefined ? undefined : await this.#with.sessions.end(uid);
    if (ended) await this.#with.onSessionEnded(ended);
  }

  findByUserCode = neverAsked;
  consume = neverAsked;
  revokeByGrantId = neverAsked;

  #toPayload({ uid, accountId, payload, sites }: SessionRecord, id: string): AdapterPayload {
    const authorizations = Object.fromEntries(
      Object.entries(sites).map(([clientId, entry]) => [clientId, { ...entry }]),
    );
    this.#found.set(authorizations, { handle: handleOf(id), sites });
    return { ...payload, jti: id, uid, accountId, authorizations };
  }

  async #uidOf(id: string, session: Session | undefined): Promise<string | undefined> {
    if (id.startsWith(BY_UID)) return id.slice(BY_UID.length);
    if (session?.jti === id) return session.uid;
    return (await this.#with.sessions.findByHandle(id))?.uid;
  }

  /** A request that lost against the end of its session leaves no grant behind. */
  async #refuse(sites: Sites, found: FoundSession | undefined): Promise<never> {
    for (const [clientId, { grantId }] of Object.entries(sites)) {
      const isNew = grantId !== undefined && grantId !== found?.sites[clientId]?.grantId;
      if (isNew) await this.#with.records.revokeGrant(grantId);
    }
    const session = Provider.ctx?.oidc.session;
    // Otherwise the library saves it again while it answers this error, and that answer is lost.
    if (session) Object.assign(session, { destroyed: true });
    throw new errors.SessionNotFound('the session was ended meanwhile');
  }
}

const handleOf = (id: string): string | undefined => (id.startsWith(BY_UID) ? undefined : id);

/** `oldId` is set by Session.resetIdentifier() alone, which gives the session another jti. */
const isRotation = (session: Session & { readonly oldId?: string }, id: string): boolean =>
  session.oldId === id && session.jti !== id;

/** Asking for a site's entry makes an empty one; what was not entered is not kept. */
function enteredSites(authorizations: Sites, found: FoundSession | undefined): Sites {
  const entered = Object.entries(authorizations).filter(
    ([clientId, { sid, grantId }]) =>
      sid !== undefined || grantId !== undefined || found?.sites[clientId] !== undefined,
  );
  return Object.fromEntries(entered.map(([clientId, entry]) => [clientId, { ...entry }]));
}

function dropSessionCookie(ctx: KoaContextWithOIDC | undefined): void {
  if (!ctx || ctx.headerSent) return;
  const name = ctx.oidc.provider.cookieName('session');
  const others = [ctx.res.getHeader('set-cookie') ?? []]
    .flat()
    .map(String)
    .filter((line) => !line.startsWith(`${name}=`) && !line.startsWith(`${name}.sig=`));
  if (others.length > 0) ctx.res.setHeader('set-cookie', others);
  else ctx.res.removeHeader('set-cookie');
}

function neverAsked(): Promise<never> {
  return Promise.reject(new Error('oidc-provider does not ask this of sessions.'));
}
