import { expect } from 'chai';
import { Deployment } from 'kubernetes-models/apps/v1';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2';
import { Job } from 'kubernetes-models/batch/v1';
import { Ingress, NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { ConfigMap, Namespace, Secret, Service, ServiceAccount } from 'kubernetes-models/v1';
import { settingsSchema, stopMilliseconds } from '#config/settings.ts';
import { KEY_PURPOSES } from '#crypto/key-ring.ts';
import {
  at,
  filesLike,
  isThere,
  knownVariables,
  readYaml,
  type Json,
} from '../../support/deploy-files.ts';

const FOLDER = 'deploy/kubernetes/';
const KINDS: Readonly<Record<string, new (data: never) => { validate(): void }>> = {
  ...{ Deployment, HorizontalPodAutoscaler, Job, Ingress, NetworkPolicy, PodDisruptionBudget },
  ...{ ConfigMap, Namespace, Secret, Service, ServiceAccount },
};

const objects = filesLike(`${FOLDER}*.yaml`)
  .filter((path) => !path.endsWith('kustomization.yaml'))
  .flatMap(readYaml);
const [kustomization = {}] = readYaml(`${FOLDER}kustomization.yaml`);
const find = (kind: string, name = 'yirentong') => {
  const found = objects.find((one) => one['kind'] === kind && at(one, 'metadata.name') === name);
  if (!found) throw new Error(`there is no ${kind} ${name}`);
  return found;
};
const config = at(find('ConfigMap'), 'data') as Record<string, string>;
const podOf = (one: Json) => at(one, 'spec.template.spec') as Json;
const pods = {
  deployment: podOf(find('Deployment')),
  job: podOf(find('Job', 'yirentong-migrate')),
};
const container = (pod: Json) => at(pod, 'containers.0') as Json;
const server = container(pods.deployment);

function validate(one: Json): void {
  const Kind = KINDS[String(one['kind'])];
  if (!Kind) throw new Error(`unknown kind ${String(one['kind'])}`);
  new Kind(one as never).validate();
}

describe('deploy/kubernetes', () => {
  for (const one of objects) {
    it(`${String(one['kind'])} ${String(at(one, 'metadata.name'))} fits the schema of Kubernetes`, () => {
      validate(one);
    });
  }

  it('would find a mistake', () => {
    const wrong = structuredClone(find('Deployment')) as { spec: { template: { spec: object } } };
    Object.assign(wrong.spec.template.spec, { containers: [{ imagge: 'x' }] });
    expect(() => validate(wrong)).to.throw();
  });

  it('is complete: the kustomization lists every file but examples and the job', () => {
    const listed = kustomization['resources'] as string[];
    for (const name of listed) expect(isThere(FOLDER + name), name).to.equal(true);
    const apart = ['kustomization.yaml', 'secrets.example.yaml', 'migration-job.yaml'];
    const files = filesLike(`${FOLDER}*.yaml`).map((path) => path.slice(FOLDER.length));
    expect(files.filter((name) => !apart.includes(name))).to.have.members(listed);
  });

  it('sets only variables that the server knows, and every key', () => {
    expect(Object.keys(config).filter((name) => !knownVariables.has(name))).to.deep.equal([]);
    for (const purpose of Object.keys(KEY_PURPOSES)) {
      expect(config[`YRT_KEY_${purpose.toUpperCase()}_FILE`]).to.equal(
        `/run/yirentong/keys/${purpose}.json`,
      );
      expect(at(find('Secret', 'yirentong-keys'), 'stringData')).to.have.property(
        `${purpose}.json`,
      );
    }
  });

  it('mounts each secret where the settings look for it', () => {
    for (const pod of Object.values(pods)) {
      const mounts = container(pod)['volumeMounts'] as { name: string; mountPath: string }[];
      const volumes = pod['volumes'] as { name: string; secret?: { secretName: string } }[];
      const own = (container(pod)['env'] ?? []) as { value: string }[];
      const paths = [...Object.values(config), ...own.map(({ value }) => value)];
      for (const path of paths.filter((value) => value.startsWith('/run/yirentong/'))) {
        const mount = mounts.find(({ mountPath }) => path.startsWith(`${mountPath}/`));
        const volume = volumes.find(({ name }) => name === mount?.name);
        const content = at(find('Secret', volume?.secret?.secretName), 'stringData');
        expect(Object.keys(content as Json), path).to.include(
          path.slice((mount?.mountPath.length ?? 0) + 1),
        );
      }
    }
  });

  it('commits no value of a secret', () => {
    for (const secret of objects.filter(({ kind }) => kind === 'Secret')) {
      expect(new Set(Object.values(secret['stringData'] as Json))).to.deep.equal(new Set(['']));
      expect(secret).not.to.have.property('data');
    }
  });

  it('probes, serves and forwards on the ports where the server listens', () => {
    const ports = server['ports'] as { name: string; containerPort: number }[];
    expect(Object.fromEntries(ports.map((port) => [port.name, port.containerPort]))).to.deep.equal({
      http: 3000,
      probes: 3002,
    });
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
      expect(at(server[probe], 'httpGet.port'), probe).to.equal('probes');
    }
    expect(at(server, 'livenessProbe.httpGet.path')).to.equal('/livez');
    expect(at(server, 'readinessProbe.httpGet.path')).to.equal('/readyz');
    expect(at(find('Service'), 'spec.ports.0.targetPort')).to.equal('http');
    expect(at(find('Ingress'), 'spec.rules.0.http.paths.0.backend.service')).to.deep.equal({
      name: 'yirentong',
      port: { name: 'http' },
    });
    expect(at(find('NetworkPolicy'), 'spec.ingress.0.ports.0.port')).to.equal(3000);
    expect(at(find('NetworkPolicy'), 'spec.ingress.1.ports.0.port')).to.equal(3002);
  });

  it('serves the host of the issuer', () => {
    const { host } = new URL(config['ISSUER'] ?? '');
    expect(at(find('Ingress'), 'spec.rules.0.host')).to.equal(host);
    expect(at(find('Ingress'), 'spec.tls.0.hosts')).to.deep.equal([host]);
  });

  it('lets out to the sites exactly what the server lets out to them', () => {
    const networks = (at(find('NetworkPolicy'), 'spec.egress') as Json[])
      .filter((rule) => at(rule, 'ports.0.port') === 443)
      .map((rule) => at(rule, 'to.0.ipBlock.cidr'));
    expect(networks.join(',')).to.equal(config['YRT_EGRESS_ALLOWED_PRIVATE_CIDRS']);
  });

  it('selects the same pods everywhere', () => {
    const labels = { 'app.kubernetes.io/name': 'yirentong' };
    const deployment = find('Deployment');
    expect(at(deployment, 'spec.template.metadata.labels')).to.deep.equal(labels);
    expect(at(deployment, 'spec.selector.matchLabels')).to.deep.equal(labels);
    expect(at(find('Service'), 'spec.selector')).to.deep.equal(labels);
    expect(at(find('PodDisruptionBudget'), 'spec.selector.matchLabels')).to.deep.equal(labels);
  });

  it('gives a pod time to finish what is in flight before it is killed', () => {
    const [, seconds] = at(server, 'lifecycle.preStop.exec.command') as [string, string];
    const grace = Number(pods.deployment['terminationGracePeriodSeconds']);
    const settings = settingsSchema.parse({ environment: 'production' });
    const { waitMilliseconds, drainMilliseconds } = stopMilliseconds(settings);
    // And a few seconds to write out the audit.
    const needed = (waitMilliseconds + drainMilliseconds) / 1000 + 5;
    expect(grace).to.be.at.least(Number(seconds) + needed);
  });

  it('runs pods as the image’s user, without rights, on a file system that nobody writes to', () => {
    for (const pod of Object.values(pods)) {
      expect(at(pod, 'securityContext.runAsUser')).to.equal(10_001);
      expect(at(pod, 'securityContext.runAsNonRoot')).to.equal(true);
      expect(pod['automountServiceAccountToken']).to.equal(false);
      expect(container(pod)['securityContext']).to.deep.equal({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
  });
});
