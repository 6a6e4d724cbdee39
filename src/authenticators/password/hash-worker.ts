/**
 * A worker thread that hashes passwords, one after the other. Started by hash-queue.ts.
 *
 * The synchronous calls are on purpose: the asynchronous ones would hash on libuv's pool, which has
 * the process's priority and is shared with file access and DNS.
 */
import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { hashSync, verifySync } from '@node-rs/argon2';
import { deriveForeign } from './imported/hash-families.ts';
import type { HashOutcome, HashTask } from './hash-task.ts';

/** Lower than the thread that answers requests, so that tokens go first when the cores are busy. */
const NICENESS = 10;

// Linux keeps a niceness per thread and changes the calling one's; elsewhere the whole process
// would sink, event loop included.
if (process.platform === 'linux') setPriority(NICENESS);

function run(task: HashTask): string | boolean {
  if (task.kind === 'verify') return verifySync(task.encoded, task.peppered);
  if (task.kind === 'derive') {
    const recipe = { ...task, salt: Buffer.from(task.salt, 'base64') };
    return deriveForeign(recipe, task.password).toString('base64');
  }
  // Without `algorithm` and `version` the library takes Argon2id, version 19, and a random salt.
  return hashSync(task.peppered, {
    memoryCost: task.memoryKibibytes,
    timeCost: task.passes,
    parallelism: 1,
  });
}

function outcomeOf(task: HashTask): HashOutcome {
  try {
    return { ok: true, value: run(task) };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : 'hashing failed' };
  }
}

parentPort?.on('message', (task: HashTask) => {
  parentPort?.postMessage(outcomeOf(task));
});
