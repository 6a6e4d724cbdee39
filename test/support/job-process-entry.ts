/** Runs in the process that job-process.ts starts, until it is killed. */
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Leases } from '#jobs/leases.ts';
import { startPeriodicJobs } from '#jobs/periodic-jobs.ts';
import { openDatabase } from '#store/database.ts';
import type { JobProcessOrder } from './job-process.ts';

const [order] = (await once(process, 'message')) as [JobProcessOrder];
const engine = await openDatabase({ databaseUrl: order.databaseUrl, dataDirectory: '' });
const run = async () => {
  process.send?.('ran');
  await pause(order.leaseSeconds * 3000);
};
startPeriodicJobs([{ name: 'in_processes', everySeconds: order.everySeconds, run }], {
  leases: new Leases(engine.connect('application')),
  onFailure: console.error,
  leaseSeconds: order.leaseSeconds,
});
process.on('disconnect', () => process.exit());
