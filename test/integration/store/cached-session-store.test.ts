import { aCluster, oneServer, startCachedSessions } from '../../support/cached-sessions.ts';
import { describeOnEachDatabase, describeOnPostgresql } from '../../support/databases.ts';
import { describeWithRedis } from '../../support/redis.ts';
import { describeSessionStoreContract } from '../../support/store-contract.ts';

describeWithRedis('store/cached-session-store', () => {
  describeOnEachDatabase('one Redis server', (current) => {
    describeSessionStoreContract('one process', () => startCachedSessions(current(), 1, oneServer));
  });

  describeOnPostgresql('one Redis server', (current) => {
    describeSessionStoreContract('two nodes', () => startCachedSessions(current(), 2, oneServer));
  });

  describeOnPostgresql('a Cluster of three masters', (current) => {
    describeSessionStoreContract('two nodes', () => startCachedSessions(current(), 2, aCluster));
  });
});
