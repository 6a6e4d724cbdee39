// ABUSE-CASES C-14 and A-16: outside the demonstration nothing and nobody is there by default.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { createEphemeralKeyRing } from '#crypto/key-ring.ts';
import { describeOnPostgresql } from '../../../support/databases.ts';
import { writeKeys } from '../../../support/operator.ts';
import { freePort } from '../../../support/test-server.ts';

const MAIN = fileURLToPath(new URL('../../../../src/main.ts', import.meta.url));

describeOnPostgresql('abuse/data: a first start', (current) => {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'yrt-first-start-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const keysDirectory = () => join(directory, 'keys');
  /** `npm start` with these variables; stopped once it says it is ready. */
  const start = async (variables: Readonly<Record<string, string>>) => {
    const port = String(await freePort());
    const child = spawn(process.execPath, [MAIN], {
      env: {
        NODE_ENV: 'test',
        DATABASE_URL: current().url,
        ISSUER: `http://localhost:${port}`,
        YRT_LISTEN_PORT: port,
        YRT_PROBES_PORT: '0',
        YRT_KEYS_DIRECTORY: keysDirectory(),
        YRT_DATA_DIRECTORY: join(directory, 'data'),
        ...variables,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      if (output.includes('"ready"')) child.kill('SIGTERM');
    });
    const [errors, exitCode] = await Promise.all([
      text(child.stderr),
      new Promise<number | null>((resolve) => child.once('close', resolve)),
    ]);
    return { exitCode, output: output + errors };
  };

  it('C-14 makes no account, no site and no staff', async () => {
    const { exitCode, output } = await start({});
    expect(exitCode, output).to.equal(0);
    expect(output).to.include('"ready"');
    const { db } = current();
    for (const table of ['accounts', 'password_credentials', 'identity_documents', 'clients']) {
      expect(await db(table), table).to.deep.equal([]);
    }
  }).timeout(60_000);

  const asProduction = (variables: Readonly<Record<string, string>>) =>
    start({ NODE_ENV: 'production', ISSUER: 'https://id.example.gov.cn', ...variables });

  it('C-14 refuses to start a demonstration in production', async () => {
    const { exitCode, output } = await asProduction({ YRT_DEMO: 'true' });
    expect(exitCode).to.equal(1);
    expect(output).to.include('YRT_DEMO');
  }).timeout(60_000);

  it('C-14 names all that is unsafe in production at once, and starts nothing', async () => {
    const { exitCode, output } = await asProduction({
      ISSUER: 'http://id.example.gov.cn',
      DATABASE_URL: '',
      YRT_DEMO: 'true',
      YRT_TEST_REALM: 'yes',
      YRT_PASSWORD_PASSES: '1',
    });
    expect(exitCode).to.equal(1);
    for (const part of ['ISSUER', 'DATABASE_URL', 'YRT_DEMO', 'YRT_TEST_REALM', 'YRT_PASSWORD']) {
      expect(output).to.include(part);
    }
    expect(output).to.include('keys init');
    expect(output).not.to.include('"ready"');
  }).timeout(60_000);

  it('C-14 makes no keys in production, and takes none that others may read', async () => {
    const missing = await asProduction({});
    expect(missing.exitCode).to.equal(1);
    expect(existsSync(keysDirectory())).to.equal(false);

    mkdirSync(keysDirectory());
    writeKeys(keysDirectory(), createEphemeralKeyRing());
    chmodSync(join(keysDirectory(), 'pepper.json'), 0o644);
    const open = await asProduction({});
    expect(open.exitCode).to.equal(1);
    expect(open.output).to.include('pepper.json');
  }).timeout(60_000);
});
