/**
 * A plain Redis adapter in the style in which they are commonly published: one key per record, a list
 * of keys per grant, pointers by uid and user code. The yardstick, not an example: consuming is not
 * atomic and nothing is sealed.
 */
import type { Redis } from 'ioredis';
import type { Adapter, AdapterPayload } from 'oidc-provider';

const CONSUMABLE: ReadonlySet<string> = new Set([
  ...['AuthorizationCode', 'RefreshToken', 'DeviceCode', 'BackchannelAuthenticationRequest'],
  'PushedAuthorizationRequest',
]);
const OF_A_GRANT: ReadonlySet<string> = new Set([
  ...['AccessToken', 'AuthorizationCode', 'RefreshToken', 'DeviceCode'],
  'BackchannelAuthenticationRequest',
]);

const grantKey = (grantId: string) => `grant:${grantId}`;
const uidKey = (uid: string) => `uid:${uid}`;
const userCodeKey = (userCode: string) => `userCode:${userCode}`;

export class PlainRedisAdapter implements Adapter {
  readonly #redis: Redis;
  readonly #model: string;

  constructor(redis: Redis, model: string) {
    this.#redis = redis;
    this.#model = model;
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn: number): Promise<void> {
    const key = this.#key(id);
    const text = JSON.stringify(payload);
    const { grantId, userCode, uid } = payload;
    const transaction = this.#redis.multi();
    if (CONSUMABLE.has(this.#model)) transaction.hset(key, { payload: text });
    else transaction.set(key, text);
    transaction.expire(key, expiresIn);
    if (OF_A_GRANT.has(this.#model) && grantId !== undefined) {
      const list = grantKey(grantId);
      transaction.rpush(list, key);
      // The list lives as long as the longest of what it names.
      const left = await this.#redis.ttl(list);
      if (expiresIn > left) transaction.expire(list, expiresIn);
    }
    if (userCode !== undefined) transaction.set(userCodeKey(userCode), id, 'EX', expiresIn);
    if (uid !== undefined) transaction.set(uidKey(uid), id, 'EX', expiresIn);
    await transaction.exec();
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    if (!CONSUMABLE.has(this.#model)) {
      const text = await this.#redis.get(this.#key(id));
      return text === null ? undefined : (JSON.parse(text) as AdapterPayload);
    }
    const { payload, ...rest } = await this.#redis.hgetall(this.#key(id));
    if (payload === undefined) return undefined;
    return { ...rest, ...(JSON.parse(payload) as AdapterPayload) };
  }

  findByUid(uid: string) {
    return this.#follow(uidKey(uid));
  }

  findByUserCode(userCode: string) {
    return this.#follow(userCodeKey(userCode));
  }

  async consume(id: string): Promise<void> {
    await this.#redis.hset(this.#key(id), 'consumed', Math.floor(performance.now() / 1000));
  }

  async destroy(id: string): Promise<void> {
    await this.#redis.del(this.#key(id));
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    const list = grantKey(grantId);
    const keys = await this.#redis.lrange(list, 0, -1);
    await this.#redis.del(list, ...keys);
  }

  async #follow(pointer: string): Promise<AdapterPayload | undefined> {
    const id = await this.#redis.get(pointer);
    return id === null ? undefined : await this.find(id);
  }

  #key(id: string): string {
    return `${this.#model}:${id}`;
  }
}
