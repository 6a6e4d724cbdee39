import { expect } from 'chai';
import { createProgressDisplay } from '#commands/progress-display.ts';

function displayOn(isTTY: boolean) {
  const written: string[] = [];
  let now = 1000;
  const stream = { isTTY, columns: 200, write: (text: string) => written.push(text) > 0 };
  const display = createProgressDisplay(stream, () => now);
  const showAt = (milliseconds: number, done: number) => {
    now = 1000 + milliseconds;
    display.showProgress({ done, total: 100, text: 'imported' });
  };
  return { written, display, showAt };
}

describe('commands/progress-display', () => {
  it('redraws one line on a terminal, with the time left', () => {
    const { written, showAt } = displayOn(true);
    showAt(0, 0);
    showAt(50, 10);
    showAt(1000, 25);
    expect(written).to.have.length(2);
    expect(written[1]).to.equal(
      `\r\u001B[K[${'#'.repeat(6)}${'-'.repeat(18)}] 25 % imported, 0:03 left`,
    );
  });

  it('prints a line every five seconds elsewhere, without control characters', () => {
    const { written, showAt } = displayOn(false);
    for (let second = 0; second <= 12; second++) showAt(second * 1000, second);
    expect(written).to.have.length(2);
    expect(written[0]).to.match(/^\[#-{23}\] 5 % imported, 1:35 left\n$/);
  });

  it('tells the time left from where this run began', () => {
    const { written, showAt } = displayOn(true);
    showAt(0, 100);
    showAt(1000, 80);
    showAt(2000, 90);
    expect(written.at(-1)).to.include('90 % imported, 0:01 left');
  });

  it('puts a line that stays in the bar’s place', () => {
    const { written, display, showAt } = displayOn(true);
    showAt(0, 50);
    display.print('done');
    display.print('and gone');
    expect(written.slice(1)).to.deep.equal(['\r\u001B[Kdone\n', 'and gone\n']);
  });
});
