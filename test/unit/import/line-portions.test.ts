import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { readPortions, type FileLine, type Place } from '#import/line-portions.ts';

describe('import/line-portions', () => {
  const directory = mkdtempSync(join(tmpdir(), 'yrt-lines-'));
  const file = join(directory, 'lines');
  after(() => rmSync(directory, { recursive: true }));

  async function portionsOf(content: string | Buffer, from: Place = { position: 0, lines: 0 }) {
    writeFileSync(file, content);
    const portions: FileLine[][] = [];
    for await (const portion of readPortions(file, from, 2)) portions.push(portion);
    return portions;
  }

  it('reads lines in portions, the last one without a newline', async () => {
    expect(await portionsOf('a\n\n张\nd')).to.deep.equal([
      [
        { number: 1, text: 'a', end: 2 },
        { number: 2, text: '', end: 3 },
      ],
      [
        { number: 3, text: '张', end: 7 },
        { number: 4, text: 'd', end: 8 },
      ],
    ]);
  });

  it('reads nothing from an empty file', async () => {
    expect(await portionsOf('')).to.deep.equal([]);
  });

  it('goes on from the place of any line as if it had never stopped', async () => {
    const content = Array.from({ length: 9 }, (_, n) => `line ${n} ${'张'.repeat(n)}`).join('\n');
    const all = (await portionsOf(content)).flat();
    for (const [done, { number, end }] of all.entries()) {
      const rest = (await portionsOf(content, { position: end, lines: number })).flat();
      expect(rest).to.deep.equal(all.slice(done + 1));
    }
  });

  it('gives no text for what is not UTF-8, and finds the next line', async () => {
    const lines = (await portionsOf(Buffer.from([0x61, 0xff, 0x0a, 0x62]))).flat();
    expect(lines.map(({ text }) => text)).to.deep.equal([undefined, 'b']);
  });

  it('lets a line of megabytes go, and finds the next one at its place', async () => {
    const long = 'x'.repeat(3_000_000);
    const lines = (await portionsOf(`a\n${long}\nb\n`)).flat();
    expect(lines).to.deep.equal([
      { number: 1, text: 'a', end: 2 },
      { number: 2, text: undefined, end: 3_000_003 },
      { number: 3, text: 'b', end: 3_000_005 },
    ]);
  });
});
