import { expect } from 'chai';
import { at, readText, readYaml, type Json } from '../../support/deploy-files.ts';

const groups = at(readYaml('deploy/prometheus/alerts.yaml')[0], 'groups') as Json[];
const rules = groups.flatMap((group) => group['rules'] as Json[]);
const dashboard = JSON.parse(readText('deploy/grafana/yirentong.json')) as { panels: Json[] };

describe('deploy/prometheus and deploy/grafana', () => {
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
