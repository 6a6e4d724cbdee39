/**
 * Redis dies, hangs, forgets, or changes its place. Nobody is refused for it; what only Redis held
 * (a half-done sign-in, a code on its way, an access token) may have to be begun anew.
 */
import { nothing, UNNOTICED, type Fault } from '../fault.ts';

const FORGETFUL = {
  ...UNNOTICED,
  mayLose: ['interaction', 'code', 'access_token'],
} as const;

export const redisKilled: Fault = {
  name: 'redis-killed',
  short: true,
  expected: FORGETFUL,
  inject: async ({ redis }) => {
    await redis.kill();
    return () => redis.restart();
  },
  restore: ({ redis }) => redis.becomeWhole(),
};

export const redisStopped: Fault = {
  name: 'redis-stopped',
  short: true,
  expected: FORGETFUL,
  inject: ({ redis }) => {
    redis.freeze();
    return Promise.resolve(() => redis.thaw());
  },
  restore: ({ redis }) => redis.becomeWhole(),
};

export const redisFlushed: Fault = {
  name: 'redis-flushed',
  short: true,
  expected: FORGETFUL,
  inject: async ({ redis }) => {
    await redis.flush();
    return nothing;
  },
};

/** Sentinel promotes a replica that misses the last second of writes. */
export const redisFailedOver: Fault = {
  name: 'redis-failover-loss',
  short: true,
  expected: FORGETFUL,
  inject: async ({ redis }) => {
    await redis.failOverWithLoss();
    return nothing;
  },
  restore: ({ redis }) => redis.becomeWhole(),
};

/** kill -9 of one primary: its records are out of reach until the replica has taken over. */
export const redisPrimaryKilled: Fault = {
  name: 'redis-primary-killed',
  short: false,
  expected: FORGETFUL,
  inject: async ({ redis }) => {
    await redis.killPrimary();
    return nothing;
  },
  restore: ({ redis }) => redis.becomeWhole(),
};

/** Replicas take over while all servers run, as before maintenance: nothing is lost. */
export const redisHandedOver: Fault = {
  name: 'redis-handed-over',
  short: false,
  expected: FORGETFUL,
  inject: async ({ redis }) => {
    await redis.handOver();
    return nothing;
  },
  restore: ({ redis }) => redis.becomeWhole(),
};

/** The primary hangs, the replica takes over, and the old one wakes up and believes it still rules. */
export const redisSplit: Fault = {
  name: 'redis-primary-stopped',
  short: false,
  expected: FORGETFUL,
  inject: ({ redis }) => redis.freezePrimary(),
  restore: ({ redis }) => redis.becomeWhole(),
};
