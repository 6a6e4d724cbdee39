/** PostgreSQL dies, hangs, changes its place, or stops taking writes. */
import type { Cluster } from '../cluster/cluster.ts';
import { nothing, TOLD, type Fault } from '../fault.ts';

/** The standby takes over, and the address moves to it, as with Patroni. */
async function failOver({ databaseAddress, postgresql }: Cluster): Promise<void> {
  await postgresql.promoteStandby();
  databaseAddress.switchTo({ host: '127.0.0.1', port: postgresql.port });
}

export const postgresqlKilled: Fault = {
  name: 'postgresql-killed',
  short: true,
  expected: { ...TOLD, mayForgetAddresses: true },
  inject: async ({ postgresql }) => {
    await postgresql.kill();
    return () => postgresql.restart();
  },
};

export const postgresqlStopped: Fault = {
  name: 'postgresql-stopped',
  short: true,
  expected: TOLD,
  inject: ({ postgresql }) => {
    postgresql.freeze();
    return Promise.resolve(() => postgresql.thaw());
  },
};

export const postgresqlPromoted: Fault = {
  name: 'postgresql-promoted',
  short: true,
  expected: { ...TOLD, mayForgetAddresses: true },
  inject: async (cluster) => {
    await cluster.postgresql.kill();
    return () => failOver(cluster);
  },
  restore: ({ postgresql }) => postgresql.rebuildStandby(),
};

/** The old primary lives on without taking writes, and so do the connections to it. */
export const postgresqlDemoted: Fault = {
  name: 'postgresql-demoted',
  short: false,
  expected: { ...TOLD, mayForgetAddresses: true },
  inject: async (cluster) => {
    await cluster.postgresql.becomeReadOnly(true);
    return () => failOver(cluster);
  },
  restore: ({ postgresql }) => postgresql.rebuildStandby(),
};

export const postgresqlReadOnly: Fault = {
  name: 'postgresql-read-only',
  short: true,
  expected: TOLD,
  inject: async ({ postgresql }) => {
    await postgresql.becomeReadOnly(true);
    return () => postgresql.becomeReadOnly(false);
  },
};

export const backendsTerminated: Fault = {
  name: 'backends-terminated',
  short: true,
  expected: { ...TOLD, recoverySeconds: 1 },
  inject: async ({ postgresql }) => {
    await postgresql.terminateBackends();
    return nothing;
  },
};
