import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { settingLeaves } from '#config/load-settings.ts';
import { settingsDocument } from '../../../scripts/settings-table.ts';

const FILE = new URL('../../../docs/settings.md', import.meta.url);

describe('docs/settings.md', () => {
  it('is what the schema says today (npm run settings-table)', () => {
    expect(readFileSync(FILE, 'utf8')).to.equal(settingsDocument());
  });

  it('has a row for every setting', () => {
    for (const { path } of settingLeaves()) {
      expect(settingsDocument()).to.include(`\n| \`${path.join('.')}\` |`);
    }
  });

  it('shows form and default', () => {
    const rows = [
      '`YRT_LIFETIMES_CODE_SECONDS` | whole number ≥ 1 | `60` |',
      '`YRT_TRUSTED_PROXIES` | list | – |',
      '| `NODE_ENV` | `development` `test` `production` | `development` |',
    ];
    for (const row of rows) expect(settingsDocument()).to.include(row);
  });
});
