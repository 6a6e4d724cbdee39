import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { parseRegistration } from '#clients/client-metadata.ts';

const FOLDER = new URL('../../../examples/integrations/', import.meta.url);
const GUIDE = new URL('../../../docs/integrating-a-site.md', import.meta.url);

const examples = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const read = (url: URL) => readFileSync(url, 'utf8');

describe('examples/integrations', () => {
  it('has an example for each environment of the guide', () => {
    const guide = read(GUIDE);
    for (const name of examples) expect(guide).to.include(`examples/integrations/${name})`);
    expect(examples).to.have.length.at.least(6);
  });

  for (const name of examples) {
    it(`${name}/registration.json can be registered and carries no secret`, () => {
      const registration: unknown = JSON.parse(read(new URL(`${name}/registration.json`, FOLDER)));
      const { metadata, secret } = parseRegistration(registration);
      expect(metadata['redirect_uris']).to.have.length(1);
      expect(secret).to.equal(undefined);
    });
  }

  it('the registration in the guide can be registered', () => {
    const json = /```json\n([\s\S]*?)```/.exec(read(GUIDE))?.[1] ?? '';
    const { metadata } = parseRegistration(JSON.parse(json));
    expect(metadata.client_id).to.equal('my-site');
  });
});
