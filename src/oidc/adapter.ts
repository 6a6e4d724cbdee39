/**
 * oidc-provider's storage adapter over our stores: provider.ts hands `createAdapterFactory` to the
 * library, which asks it for one adapter per model. What the library does as read-then-write
 * (single use, replay marks) is made atomic here; what it writes back whole (sessions) is merged.
 */
import { Provider, errors, type Adapter, type AdapterPayload } from 'oidc-provider';
import type { ClientMetadata } from 'oidc-provider';
import type { AuditLog } from '#audit/audit-log.ts';
import type { RequestOrigin } from '#lib/request-origin.ts';
import { MODEL_PLACEMENT } from '#store/model-placement.ts';
import type { Payload, RecordModel, RecordStore } from '#store/record-store.ts';
import type { EndedSession, SessionStore } from '#store/session-store.ts';
import {
  forgetGrant,
  foundBefore,
  rememberFound,
  rememberRotation,
  takeGrant,
  takeRotation,
} from './request-memory.ts';
import { RequestWrites } from './request-writes.ts';
import { isOfAnotherKind } from './handle-kinds.ts';
import { ReuseWatch } from './reuse-watch.ts';
import { SessionAdapter } from './session-adapter.ts';
import { beforeAnswer } from './write-barrier.ts';

export interface AdapterDependencies {
  readonly records: RecordStore;
  readonly sessions: SessionStore;
  readonly audit: Pick<AuditLog, 'change'>;
  /** A live client's registration; undefined for one that is unknown, disabled or retired. */
  findClient(clientId: string): Promise<ClientMetadata | undefined>;
  /** Where the present request came from; undefined outside a request. */
  originNow(): RequestOrigin | undefined;
  /**
   * A single-use record was presented again and its grant is revoked now; once per revoked grant.
   * The payload is without the handle.
   */
  onReuse(model: RecordModel, payload: Payload): Promise<void>;
  /** The person signed out; once per session. */
  onSessionEnded(ended: EndedSession): Promise<void>;
}

/** @throws (the adapter, when it is made) for a model that no store holds */
export function createAdapterFactory(
  dependencies: AdapterDependencies,
): (model: string) => Adapter {
  const { records } = dependencies;
  const watch = new ReuseWatch(dependencies);
  return (model) => {
    if (model === 'Session') return new SessionAdapter(dependencies);
    if (model === 'Client') return new ClientAdapter(dependencies);
    if (isRecordModel(model)) return new RecordAdapter(model, records, watch);
    // ReplayDetection comes here if installReplayDetection was forgotten.
    throw new Error(`oidc-provider asked for the model ${model}, which no store holds.`);
  };
}

const isRecordModel = (model: string): model is RecordModel =>
  model in MODEL_PLACEMENT && model !== 'ReplayDetection' && model !== 'Session';

/** Tokens, codes, grants, interactions, requests. */
class RecordAdapter implements Adapter {
  readonly #model: RecordModel;
  readonly #records: RecordStore;
  readonly #watch: ReuseWatch;

  constructor(model: RecordModel, records: RecordStore, watch: ReuseWatch) {
    this.#model = model;
    this.#records = records;
    this.#watch = watch;
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn?: number) {
    if (expiresIn === undefined) throw new Error(`ttl.${this.#model} must be set to a number.`);
    // A save in the very second of expiry comes with 0; the library checks `exp` itself as well.
    const seconds = Math.max(1, expiresIn);
    const used = this.#model === 'RefreshToken' ? takeRotation() : undefined;
    if (used !== undefined) {
      const outcome = await this.#records.rotate(used, id, { ...payload }, seconds);
      if (outcome !== 'used') await this.#refuse(used, outcome);
      return;
    }
    if (this.#model === 'Grant') await this.#putGrant(id, payload, seconds);
    else {
      const write = this.#records.put(this.#model, id, { ...payload }, seconds);
      await beforeAnswer(Provider.ctx, write);
    }
  }

  /** Nothing names a grant before the session does, which an authorization request saves last. */
  async #putGrant(id: string, payload: AdapterPayload, seconds: number): Promise<void> {
    forgetGrant(id);
    const writes = RequestWrites.of(Provider.ctx);
    if (!writes) await this.#records.put('Grant', id, { ...payload }, seconds);
    else await writes.defer((commit) => this.#records.putGrant(id, payload, seconds, commit));
  }

  async find(id: string) {
    const grant = this.#model === 'Grant' ? takeGrant(id) : undefined;
    if (grant) return grant as AdapterPayload;
    if (isOfAnotherKind(this.#model, id)) return undefined;
    const stored = await this.#records.findWithGrant(this.#model, id);
    if (!stored) return undefined;
    rememberFound(id, stored);
    const { payload } = stored;
    if (payload.consumed !== undefined) this.#watch.sawUsed(Provider.ctx, this.#model, payload);
    return payload as AdapterPayload;
  }

  findByUid = refuse;

  async findByUserCode(userCode: string) {
    return (await this.#records.findByUserCode(this.#model, userCode)) as
      AdapterPayload | undefined;
  }

  /**
   * Of n concurrent redemptions one goes on. The others end here and revoke the grant, so that the
   * winner, who may be the thief, holds dead tokens (RFC 6749 §4.1.2, RFC 9700 §4.14.2). A refresh
   * token is used up with its successor's save, which follows at once.
   *
   * @throws InvalidGrant, for a pushed request InvalidRequestUri
   */
  async consume(id: string) {
    if (this.#model === 'RefreshToken' && rememberRotation(id)) return;
    const outcome = await this.#records.consume(this.#model, id, foundBefore(id));
    if (outcome !== 'used') await this.#refuse(id, outcome);
  }

  async destroy(id: string) {
    if (this.#model === 'Grant') {
      forgetGrant(id);
      if (await this.#records.revokeGrant(id)) await this.#watch.revoked(Provider.ctx, id);
    } else {
      await this.#records.remove(this.#model, id);
    }
  }

  async #refuse(id: string, outcome: 'already_used' | 'absent'): Promise<never> {
    if (outcome === 'already_used') await this.#watch.lostRace(this.#model, id);
    if (this.#model === 'PushedAuthorizationRequest') {
      throw new errors.InvalidRequestUri('request_uri is invalid, expired, or was already used');
    }
    throw new errors.InvalidGrant(`${this.#model} already used or gone`);
  }

  /** Nothing to do: the library destroys the Grant as well, and that alone switches all of it off. */
  async revokeByGrantId() {
    // See above; `revokeGrantPolicy` decides whether the Grant goes.
  }
}

/** Clients are read through clients/, never written by the library. */
class ClientAdapter implements Adapter {
  readonly #findClient: AdapterDependencies['findClient'];

  constructor({ findClient }: Pick<AdapterDependencies, 'findClient'>) {
    this.#findClient = findClient;
  }

  async find(id: string) {
    return await this.#findClient(id);
  }

  upsert = refuse;
  findByUid = refuse;
  findByUserCode = refuse;
  consume = refuse;
  destroy = refuse;
  revokeByGrantId = refuse;
}

function refuse(): Promise<never> {
  return Promise.reject(new Error('oidc-provider does not ask this of this model.'));
}
