import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { settingsSchema } from '#config/settings.ts';
import { createLogger } from '#config/logger.ts';
import { createEphemeralKeyRing } from '#crypto/key-ring.ts';
import { systemClock } from '#lib/clock.ts';
import { askRunningServer, startControlSocket } from '#commands/control-socket.ts';
import type { Progress } from '#commands/progress-display.ts';
import { createEmbedded, dropDatabase, type TestDatabase } from '../../support/databases.ts';
import { syntheticLines } from '../../support/imports.ts';

describe('control-socket', () => {
  const directory = mkdtempSync(join(tmpdir(), 'yrt-control-'));
  const home = process.cwd();
  let database: TestDatabase;
  let socket: { close(): void };
  before(async function () {
    this.timeout(60_000);
    database = await createEmbedded();
    const settings = settingsSchema.parse({ environment: 'test' });
    const foundations = { settings, keys: createEphemeralKeyRing(), db: database.db };
    socket = await startControlSocket(directory, {
      ...foundations,
      clock: systemClock,
      log: createLogger({ logLevel: 'silent' }),
      engine: database.engine,
    });
  });
  after(async () => {
    process.chdir(home);
    socket.close();
    await dropDatabase(database);
    rmSync(directory, { recursive: true });
  });

  async function ask(...args: string[]) {
    const lines: string[] = [];
    const progress: Progress[] = [];
    const exitCode = await askRunningServer(directory, args, {
      print: (line) => lines.push(line),
      showProgress: (each) => progress.push(each),
    });
    return { exitCode, lines, progress };
  }

  it('shows what a command prints, and its exit code', async () => {
    const { exitCode, lines } = await ask('audit', 'verify');
    expect({ exitCode, lines }).to.deep.equal({
      exitCode: 0,
      lines: ['The audit chain is whole: 0 events.'],
    });
    expect(await ask('no', 'command')).to.include({ exitCode: 2 });
  });

  it('reads files from where the operator is, and tells how far it is', async () => {
    const elsewhere = join(directory, 'elsewhere');
    mkdirSync(elsewhere);
    const texts = syntheticLines(300).map((line) => JSON.stringify(line));
    writeFileSync(join(elsewhere, 'people.ndjson'), texts.join('\n'));
    // The server keeps the folder that it was started in; here both are one process.
    const asked = ask('account', 'import', './elsewhere/people.ndjson');
    expect((await asked).exitCode).to.equal(1);

    process.chdir(elsewhere);
    const { exitCode, lines, progress } = await ask('account', 'import', 'people.ndjson');
    expect(exitCode).to.equal(0);
    expect(lines.at(-1)).to.equal('300 lines: 300 accounts imported, 0 there already, 0 refused.');
    const shares = progress.map(({ done, total }) => done / total);
    expect(shares.at(-1)).to.equal(1);
    expect(shares.some((share) => share > 0 && share < 1)).to.be.true;
  });

  it('says so when no server answers', async () => {
    expect(
      await askRunningServer(join(directory, 'nobody'), ['audit', 'verify'], {
        print: () => undefined,
        showProgress: () => undefined,
      }),
    ).to.be.undefined;
  });
});
