/**
 * A relying site as an integrator would write one: node:http, openid-client, no framework.
 *
 *     node examples/demo-site/server.ts --client demo-portal
 *
 * The registration (redirect URIs, secret, scope) is the entry of that client in --sites. Two
 * instances make the demonstration: sign in at one, walk into the other, sign out of both.
 * Start reading at site.ts (the routes) and relying-party.ts (all of OpenID Connect).
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { parseSites, type SiteRegistration } from './registration.ts';
import { createDemoSite } from './site.ts';

const { values } = parseArgs({
  options: {
    client: { type: 'string', default: process.env['DEMO_SITE_CLIENT'] ?? 'demo-portal' },
    issuer: { type: 'string', default: process.env['ISSUER'] ?? 'http://localhost:3000' },
    sites: {
      type: 'string',
      default:
        process.env['DEMO_SITE_FILE'] ??
        new URL('../../config/demo.json', import.meta.url).pathname,
    },
    address: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string' },
  },
});

const sites = parseSites(await readFile(values.sites, 'utf8'));
const site = sites.find(({ clientId }) => clientId === values.client);
if (!site) throw new Error(`${values.sites} has no site with client_id "${values.client}"`);

const listener = createDemoSite({
  site,
  neighbours: sites.filter((other: SiteRegistration) => other !== site),
  issuer: values.issuer,
});
const server = createServer(listener);
const port = Number(values.port ?? new URL(site.redirectUri).port);
server.listen(port, values.address, () => {
  console.log(`${site.name} (${site.clientId}): ${site.homeUri}`);
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close();
    server.closeAllConnections();
  });
}
