/**
 * oidc-provider's Client objects, one per site and version. The library asks its adapter at every
 * look-up and keeps a hundred objects; a site beyond that costs a new object each time, and with it
 * a new fetch of its `jwks_uri` (PROVIDER-NOTES §2.8). Here each is made once, also when many
 * requests want it at the same moment, so its keys are fetched once as well.
 */
import type { Client } from 'oidc-provider';
import type { ClientDirectory } from './client-directory.ts';

type Find = (clientId: string) => Promise<Client | undefined>;

const MAX_INSTANCES = 20_000;

interface Instance {
  readonly version: number;
  readonly client: Promise<Client | undefined>;
}

/** @param make - the library's own look-up */
export function createClientInstances(findRegistered: ClientDirectory, make: Find): Find {
  /** Least recently used first. */
  const instances = new Map<string, Instance>();
  return async (clientId) => {
    if (typeof clientId !== 'string' || clientId === '') return undefined;
    const { value, version } = await findRegistered(clientId);
    if (!value) {
      instances.delete(clientId);
      return undefined;
    }
    const known = instances.get(clientId);
    const instance = known?.version === version ? known : { version, client: make(clientId) };
    instances.delete(clientId);
    instances.set(clientId, instance);
    if (instances.size > MAX_INSTANCES) {
      const [oldest = clientId] = instances.keys();
      instances.delete(oldest);
    }
    try {
      return await instance.client;
    } catch (error) {
      if (instances.get(clientId) === instance) instances.delete(clientId);
      throw error;
    }
  };
}
