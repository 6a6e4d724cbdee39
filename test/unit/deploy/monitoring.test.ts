import { expect } from 'chai';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { at, filesLike, readText, readYaml, type Json } from '../../support/deploy-files.ts';

/** Every metric that the code names, and those that prom-client adds under our prefix. */
function exposedMetrics(): Set<string> {
  const code = filesLike('src/**/*.ts').map(readText).join('\n');
  const own = [...code.matchAll(/'(yirentong_\w+)'/g)].map(([, name = '']) => name);
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'yirentong_' });
  const defaults = registry.getMetricsAsArray().map(({ name }) => name);
  registry.clear();
  return new Set([...own, ...defaults]);
}

/** Agreed upon, and not counted yet. */
const PROMISED = new Set(
  [
    ...['http_request_duration_seconds', 'sign_ins_total', 'shed_total', 'hash_queue_length'],
    ...['redis_up', 'redis_breaker_open', 'database_pool_waiting', 'change_feed_age_seconds'],
    ...['outbox_pending', 'outbox_oldest_seconds', 'audit_queue_length'],
    ...['event_loop_delay_seconds'],
  ].map((name) => `yirentong_${name}`),
);

/** Names as queries write them; a histogram is asked for by its parts. */
const namesIn = (text: string) =>
  [...text.matchAll(/\byirentong_\w+/g)].map(([name]) =>
    name.replace(/_(?:bucket|count|sum)$/, ''),
  );

const groups = at(readYaml('deploy/prometheus/alerts.yaml')[0], 'groups') as Json[];
const rules = groups.flatMap((group) => group['rules'] as Json[]);
const dashboard = JSON.parse(readText('deploy/grafana/yirentong.json')) as { panels: Json[] };
const queries = dashboard.panels.flatMap((panel) => panel['targets'] as { expr: string }[]);

describe('deploy/prometheus and deploy/grafana', () => {
  it('ask only for metrics that the server has', () => {
    const asked = [...rules.map(({ expr }) => String(expr)), ...queries.map(({ expr }) => expr)];
    const exposed = exposedMetrics();
    const names = new Set(asked.flatMap(namesIn));
    expect(names.size).to.be.greaterThan(10);
    expect([...names].filter((name) => !exposed.has(name) && !PROMISED.has(name))).to.deep.equal(
      [],
    );
  });

  it('say with every alert how bad it is and what to do', () => {
    for (const rule of rules) {
      expect(at(rule, 'labels.severity'), String(rule['alert'])).to.match(/^(?:critical|warning)$/);
      expect(at(rule, 'annotations.summary'), String(rule['alert'])).to.match(/：./);
    }
    const names = rules.map(({ alert }) => alert);
    expect(new Set(names).size).to.equal(names.length);
  });

  it('draw every panel from the chosen source, without covering another', () => {
    const places = dashboard.panels.map((panel) =>
      JSON.stringify([at(panel, 'gridPos.x'), at(panel, 'gridPos.y')]),
    );
    expect(new Set(places).size).to.equal(places.length);
    for (const panel of dashboard.panels) expect(at(panel, 'datasource.uid')).to.equal('${source}');
  });
});
