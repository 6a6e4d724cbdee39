/** What can be asked for: `npm run faults -- --short --seed 7 --only calm,node-killed --seconds 4`. */
import { parseArgs } from 'node:util';
import { REDIS_FORMS, type RedisForm } from './cluster/cluster.ts';
import type { Fault } from './fault.ts';
import { FAULTS } from './faults/catalogue.ts';

export interface Options {
  readonly seed: number;
  readonly seconds: number;
  readonly operationsPerSecond: number;
  readonly faults: readonly Fault[];
  readonly redis: RedisForm;
  /** Every limit in time is so many times as long: for a machine that does other work as well. */
  readonly patience: number;
  /** Leave the folder with the logs of all processes. */
  readonly keep: boolean;
}

const SHORT = { seconds: 3, operationsPerSecond: 25 };
const FULL = { seconds: 8, operationsPerSecond: 40 };

/** @throws Error naming what is not understood */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      short: { type: 'boolean', default: false },
      seed: { type: 'string' },
      seconds: { type: 'string' },
      rate: { type: 'string' },
      patience: { type: 'string' },
      only: { type: 'string' },
      redis: { type: 'string', default: 'sentinel' },
      keep: { type: 'boolean', default: false },
    },
  });
  const defaults = values.short ? SHORT : FULL;
  return {
    seed: positive('seed', values.seed, Math.floor(performance.timeOrigin) % 1_000_000),
    seconds: positive('seconds', values.seconds, defaults.seconds),
    operationsPerSecond: positive('rate', values.rate, defaults.operationsPerSecond),
    patience: positive('patience', values.patience, 1),
    faults:
      values.only === undefined
        ? FAULTS.filter(({ short }) => short || !values.short)
        : values.only.split(',').map(named),
    redis: redisForm(values.redis),
    keep: values.keep,
  };
}

function positive(name: string, text: string | undefined, fallback: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0`);
  return value;
}

function redisForm(text: string): RedisForm {
  if (Object.hasOwn(REDIS_FORMS, text)) return text as RedisForm;
  throw new Error(`--redis must be one of ${Object.keys(REDIS_FORMS).join(', ')}`);
}

function named(name: string): Fault {
  const fault = FAULTS.find((one) => one.name === name);
  if (fault) return fault;
  const known = FAULTS.map((one) => one.name).join(', ');
  throw new Error(`There is no fault "${name}". There are: ${known}`);
}
