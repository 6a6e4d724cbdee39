/** PostgreSQL dies, hangs, changes its place, or stops taking writes. */
import type { Cluster } from '../cluster/cluster.ts';
import { TOLD, type Fault } from '../fault.ts';

/** Moves the address to whoever is primary now. */
function moveAddress({ databaseAddress, postgresql }: Cluster): void {
  databaseAddress.switchTo({ host: '127.0.0.1', port: postgresql.port });
}

const rebuild = ({ postgresql }: Cluster) => postgresql.rebuildStandby();

export const postgresqlKilled: Fault = {
  name: 'postgresql-killed',
  short: true,
  expected: { ...TOLD, mayForgetAddresses: true },
  inject: ({ cluster }) => cluster.postgresql.kill(),
  heal: ({ cluster }) => cluster.postgresql.restart(),
};

export const postgresqlStopped: Fault = {
  name: 'postgresql-stopped',
  short: true,
  expected: TOLD,
  inject: ({ cluster }) => Promise.resolve(cluster.postgresql.freeze()),
  heal: ({ cluster }) => Promise.resolve(cluster.postgresql.thaw()),
};

export const postgresqlPromoted: Fault = {
  name: 'postgresql-promoted',
  short: true,
  expected: { ...TOLD, mayForgetAddresses: true },
  inject: ({ cluster }) => cluster.postgresql.kill(),
  heal: async ({ cluster }) => {
    await cluster.postgresql.promoteStandby();
    moveAddress(cluster);
  },
  restore: rebuild,
};

/** The old primary lives on read-only, and so do the connections to it. */
export const postgresqlDemoted: Fault = {
  name: 'postgresql-demoted',
  short: false,
  expected: { ...TOLD, mayForgetAddresses: true },
  inject: ({ cluster }) => cluster.postgresql.becomeReadOnly(true),
  heal: async ({ cluster }) => {
    await cluster.postgresql.promoteStandby();
    moveAddress(cluster);
  },
  restore: async (cluster) => {
    await cluster.postgresql.becomeReadOnly(false);
    await rebuild(cluster);
  },
};

export const postgresqlReadOnly: Fault = {
  name: 'postgresql-read-only',
  short: true,
  expected: TOLD,
  inject: ({ cluster }) => cluster.postgresql.becomeReadOnly(true),
  heal: ({ cluster }) => cluster.postgresql.becomeReadOnly(false),
};

export const backendsTerminated: Fault = {
  name: 'backends-terminated',
  short: true,
  expected: { ...TOLD, recoverySeconds: 1 },
  inject: ({ cluster }) => cluster.postgresql.terminateBackends(),
  heal: () => Promise.resolve(),
};
