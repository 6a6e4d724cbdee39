/** All faults, in the order of the table. */
import type { Fault } from '../fault.ts';
import { hangingSite, signInFlood } from './neighbours.ts';
import { calm, nodeKilled, rollingRestart } from './nodes.ts';
import {
  backendsTerminated,
  postgresqlDemoted,
  postgresqlKilled,
  postgresqlPromoted,
  postgresqlReadOnly,
  postgresqlStopped,
} from './postgresql.ts';

import {
  redisFailedOver,
  redisFlushed,
  redisHandedOver,
  redisKilled,
  redisPrimaryKilled,
  redisSplit,
  redisStopped,
} from './redis.ts';

export const FAULTS: readonly Fault[] = [
  calm,
  nodeKilled,
  rollingRestart,
  postgresqlKilled,
  postgresqlStopped,
  postgresqlPromoted,
  postgresqlDemoted,
  postgresqlReadOnly,
  backendsTerminated,
  redisKilled,
  redisStopped,
  redisFlushed,
  redisFailedOver,
  redisSplit,
  redisPrimaryKilled,
  redisHandedOver,
  hangingSite,
  signInFlood,
];
