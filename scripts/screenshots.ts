/**
 * Pictures of every page (`npm run screenshots [name part]`): all samples through the real renderer
 * and a real browser, each language, look and theme, at 375 and 1280 pixels, the light standard
 * look also at 320 and 1920, into .tmp/screenshots/. Says which page is wider than its window.
 */
import { mkdirSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { LOOKS, type Look } from '#http/preferences.ts';
import { LOCALES, type Locale } from '#i18n/translate.ts';
import { launchBrowser } from '../test/support/browser.ts';
import { startPageServer, type PageServer } from '../test/support/page-server.ts';
import { everySample } from '../test/support/page-samples.ts';

const DIRECTORY = '.tmp/screenshots';
const [wanted = ''] = process.argv.slice(2);

interface Setting {
  readonly locale: Locale;
  readonly look: Look;
  readonly theme: 'light' | 'dark';
  readonly width: number;
}

function* settings(): Generator<Setting> {
  for (const locale of LOCALES) {
    for (const look of LOOKS) {
      for (const theme of ['light', 'dark'] as const) {
        for (const width of theme === 'light' ? [320, 375, 1280, 1920] : [375, 1280]) {
          yield { locale, look, theme, width };
        }
      }
    }
  }
}

async function shoot(browser: Browser, server: PageServer, setting: Setting): Promise<void> {
  const { locale, look, theme, width } = setting;
  const context = await browser.newContext({
    viewport: { width, height: width < 640 ? 700 : 800 },
    colorScheme: theme,
    locale,
  });
  const page = await context.newPage();
  for (const { name } of everySample.filter((sample) => sample.name.includes(wanted))) {
    await page.goto(server.urlOf(name, locale, look));
    const path = `${DIRECTORY}/${name}-${locale}-${look}-${theme}-${width}.png`;
    await page.screenshot({ path, fullPage: true });
    const overflow = await page.evaluate<number>(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    if (overflow > 0) console.log(`${path}: ${overflow} px wider than the window`);
  }
  await context.close();
}

mkdirSync(DIRECTORY, { recursive: true });
const server = await startPageServer();
const browser = await launchBrowser();
for (const setting of settings()) await shoot(browser, server, setting);
await browser.close();
await server.close();
