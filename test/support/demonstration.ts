/**
 * The demonstration as `npm start` runs it: the whole server on an embedded database and the two
 * demo sites as registered in config/demo.json, each on a free port. For tests in a real browser.
 */
import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createRegistrationCheck } from '#oidc/metadata-rules.ts';
import { parseSites } from '../../examples/demo-site/registration.ts';
import { createDemoSite } from '../../examples/demo-site/site.ts';
import { createEmbedded, dropDatabase } from './databases.ts';
import { LocalServers } from './local-server.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const DEMO_FILE = new URL('../../config/demo.json', import.meta.url);
const PORTAL = 'http://localhost:4001';
const FUND = 'http://localhost:4002';

export interface Demonstration {
  readonly server: TestServer;
  readonly issuer: string;
  /** Origin of 市民服务门户, which asks for nothing but `profile_basic`. */
  readonly portal: string;
  /** Origin of the housing provident fund, which asks for `profile phone`, hence for consent. */
  readonly fund: string;
  readonly names: { readonly portal: string; readonly fund: string };
  stop(): Promise<void>;
}

export async function startDemonstration(): Promise<Demonstration> {
  const servers = new LocalServers();
  const listeners: RequestListener[] = [];
  const [portalPort = 0, fundPort = 0] = await Promise.all(
    [0, 1].map((index) =>
      servers.start((request, response) => listeners[index]?.(request, response)),
    ),
  );
  const [portal, fund] = [`http://localhost:${portalPort}`, `http://localhost:${fundPort}`];
  const json = readFileSync(DEMO_FILE, 'utf8').replaceAll(PORTAL, portal).replaceAll(FUND, fund);
  const database = await createEmbedded();
  const egress = { allowedPrivateCidrs: ['127.0.0.0/8', '::1/128'] };
  const server = await startTestServer(database, { settings: { egress } });
  await register(server, json);
  const sites = parseSites(json);
  for (const site of sites) {
    const neighbours = sites.filter((other) => other !== site);
    listeners.push(createDemoSite({ site, neighbours, issuer: server.issuer }));
  }
  return {
    ...{ server, issuer: server.issuer, portal, fund },
    names: { portal: sites[0]?.name ?? '', fund: sites[1]?.name ?? '' },
    stop: async () => {
      await server.stop();
      await servers.stopAll();
      await dropDatabase(database);
    },
  };
}

async function register({ running, foundations }: TestServer, json: string): Promise<void> {
  const { clients, signingKeys } = running.services.records;
  const check = createRegistrationCheck(foundations.settings, await signingKeys.published());
  const { sites } = JSON.parse(json) as { sites: Record<string, unknown>[] };
  for (const site of sites) await clients.register(site, check);
}
