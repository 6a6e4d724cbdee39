import { readFileSync } from 'node:fs';
import { expect } from 'chai';

const css = readFileSync(new URL('../../../views/assets/tokens.css', import.meta.url), 'utf8');

/** The hexadecimal colours that a block of tokens.css sets, from its selector to its brace. */
function colours(from: string): Record<string, string> {
  const start = css.indexOf(from);
  const block = css.slice(start, css.indexOf('}', start));
  return Object.fromEntries(
    [...block.matchAll(/--([\w-]+): (#[\da-f]{6});/g)].map(([, name = '', value = '']) => [
      name,
      value,
    ]),
  );
}

const light = colours(':root {');
const dark = { ...light, ...colours('@media (prefers-color-scheme: dark)') };
const elder = colours(":root[data-look='elder']");
const darkElder = colours("  :root[data-look='elder']");
const THEMES = {
  light,
  dark,
  'light elder': { ...light, ...elder },
  'dark elder': { ...dark, ...darkElder },
};

/** Relative luminance, WCAG 2.2 §Definitions. */
function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

/** Text colour → the grounds it stands on. */
const TEXT: Record<string, string[]> = {
  ink: ['card', 'ground', 'field', 'primary-tint', 'danger-tint', 'done-tint'],
  'ink-muted': ['card', 'ground', 'primary-tint'],
  primary: ['card', 'ground', 'primary-tint', 'field'],
  danger: ['card', 'danger-tint'],
  done: ['card', 'done-tint'],
  warning: ['card', 'warning-tint'],
  'on-primary': ['primary-fill', 'primary-fill-hover'],
};
/** Edge or filled shape → what it must stand out from (WCAG 1.4.11). */
const SHAPES: Record<string, string[]> = {
  edge: ['card', 'field'],
  primary: ['card', 'ground', 'field'],
  'primary-fill': ['card'],
  danger: ['card', 'field'],
};

describe('views/assets/tokens.css', () => {
  for (const [theme, values] of Object.entries(THEMES)) {
    const weak = (pairs: Record<string, string[]>, least: number) =>
      Object.entries(pairs).flatMap(([front, grounds]) =>
        grounds
          .map((ground) => ({
            pair: `${front} on ${ground}`,
            ratio: contrast(values[front] ?? '', values[ground] ?? ''),
          }))
          .filter(({ ratio }) => !(ratio >= least))
          .map(({ pair, ratio }) => `${pair}: ${ratio.toFixed(2)}`),
      );

    it(`gives text at least 4.5 : 1 (${theme})`, () => {
      expect(weak(TEXT, 4.5)).to.deep.equal([]);
    });

    it(`gives edges and shapes at least 3 : 1 (${theme})`, () => {
      expect(weak(SHAPES, 3)).to.deep.equal([]);
    });
  }

  it('is the only style sheet that names a colour', () => {
    for (const name of ['layout', 'components', 'messages']) {
      const sheet = readFileSync(
        new URL(`../../../views/assets/${name}.css`, import.meta.url),
        'utf8',
      );
      expect(sheet, name).to.not.match(/#[\da-f]{3,8}\b|rgb\(|hsl\(/i);
    }
  });
});
