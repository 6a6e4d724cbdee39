/**
 * Copies the icons that our pages use from Lucide (ISC licence, a development dependency) into
 * views/icons/, made ready to stand inline beside a text: hidden from screen readers, sized by CSS.
 * Run it after adding a name: `npm run icons`.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const ICONS = [
  'arrow-left',
  'building-2',
  'check',
  'circle-alert',
  'circle-check',
  'circle-question-mark',
  'clock',
  'eye',
  'eye-off',
  'file-badge',
  'fingerprint-pattern',
  'info',
  'key-round',
  'languages',
  'life-buoy',
  'lock',
  'log-out',
  'message-square-text',
  'monitor',
  'phone',
  'qr-code',
  'scan-face',
  'shield-check',
  'smartphone',
  'triangle-alert',
  'a-large-small',
];

mkdirSync('views/icons', { recursive: true });
for (const name of ICONS) {
  const source = readFileSync(`node_modules/lucide-static/icons/${name}.svg`, 'utf8');
  const shapes = source
    .slice(source.indexOf('>', source.indexOf('<svg')) + 1, source.indexOf('</svg>'))
    .replace(/\s*\n\s*/g, '')
    .replaceAll(' />', '/>');
  writeFileSync(
    `views/icons/${name}.svg`,
    `<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${shapes}</svg>\n`,
  );
}
console.log(`${ICONS.length} icons in views/icons/`);
