/**
 * The Chromium of end-to-end tests and pictures: CHROMIUM_PATH, or /usr/bin/chromium. Where there is
 * none, end-to-end tests are skipped with one line; in CI that is a failure.
 */
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const CHROMIUM = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
let told = false;

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
    ],
  });
}

/** A `describe` with a browser of its own; `current()` is there inside `it` and hooks. */
export function describeInBrowser(title: string, cases: (current: () => Browser) => void): void {
  (isMissing() ? describe.skip : describe)(title, function () {
    this.timeout(60_000);
    let browser: Browser | undefined;
    before(async () => {
      browser = await launchBrowser();
    });
    after(() => browser?.close());
    cases(() => {
      if (!browser) throw new Error('The browser is only there inside `it` and hooks.');
      return browser;
    });
  });
}

/** @throws Error in CI, where nothing may be skipped */
function isMissing(): boolean {
  if (existsSync(CHROMIUM)) return false;
  const line = `no Chromium at ${CHROMIUM}; set CHROMIUM_PATH`;
  if (process.env['CI'] === 'true') throw new Error(line);
  if (!told) console.log(`    skipped: ${line}`);
  told = true;
  return true;
}
