/** A person at a real browser on the way through the demonstration; the words of journeys/*.test.ts. */
import { expect } from 'chai';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { describeInBrowser } from './browser.ts';
import { startDemonstration, type Demonstration } from './demonstration.ts';
import { aCitizen, type Citizen } from './test-server.ts';
import { watch } from './watched-page.ts';

export interface Stage extends Demonstration {
  /** A new browser profile with one page; Chinese unless told otherwise. */
  readonly open: (options?: BrowserContextOptions) => Promise<Page>;
  /** A new citizen, 张示例 with real-name level 4. */
  readonly citizen: () => Promise<Citizen>;
}

/**
 * A `describe` with a browser and a demonstration of its own. After each case every profile is
 * closed, and the case fails when the browser complained about anything on the way.
 */
export function describeJourney(title: string, cases: (stage: () => Stage) => void): void {
  describeInBrowser(title, (browser) => {
    let demonstration: Demonstration | undefined;
    const troubles: string[] = [];
    before(async () => {
      demonstration = await startDemonstration();
    });
    afterEach(async () => {
      for (const context of browser().contexts()) await context.close();
      expect(troubles.splice(0), 'complaints of the browser').to.deep.equal([]);
    });
    after(() => demonstration?.stop());
    cases(() => {
      if (!demonstration) throw new Error('The stage is only there inside `it` and hooks.');
      const { server } = demonstration;
      return {
        ...demonstration,
        open: (options) => openPage(browser(), troubles, options),
        citizen: () => aCitizen(server, { name: '张示例' }),
      };
    });
  });
}

async function openPage(browser: Browser, troubles: string[], options?: BrowserContextOptions) {
  const context = await browser.newContext({ locale: 'zh-CN', ...options });
  watch(context, troubles);
  return await context.newPage();
}

export const heading = (page: Page): Promise<string> => page.locator('h1').innerText();

/** The button that sends the password form, whatever it says. */
export const submitButton = (page: Page): Locator =>
  page.locator('form[action$="/password"] button:not([type="button"])');

/** Presses what leads to another page, and waits for that. */
export async function follow(page: Page, what: Locator): Promise<void> {
  const loaded = page.waitForEvent('domcontentloaded');
  await what.click();
  await loaded;
}

export async function enterPassword(page: Page, account: string, password: string): Promise<void> {
  await page.locator('[name="account"]').fill(account);
  await page.locator('[name="password"]').fill(password);
  await follow(page, submitButton(page));
}

export const decide = (page: Page, decision: 'allow' | 'deny'): Promise<void> =>
  follow(page, page.locator(`[name="decision"][value="${decision}"]`));

/** From the site's front page to its page for who is signed in; agrees when asked. */
export async function signInAt(page: Page, site: string, citizen: Citizen): Promise<void> {
  await page.goto(`${site}/login`);
  if (await submitButton(page).isVisible()) {
    await enterPassword(page, citizen.phone, citizen.password);
  }
  if (page.url().endsWith('/consent')) await decide(page, 'allow');
  await page.waitForURL(`${site}/`);
}

/** What the site says when its front page is opened. */
export async function isSignedInAt(page: Page, site: string): Promise<boolean> {
  await page.goto(`${site}/`);
  return (await heading(page)).startsWith('您好');
}

/** Presses 退出登录 at a site and lands on the confirmation page. */
export async function askToSignOut(page: Page, site: string): Promise<void> {
  await page.goto(`${site}/logout`);
  await follow(page, page.locator('main form[action="/logout"] button'));
}

export const confirmSignOut = (page: Page): Promise<void> =>
  follow(page, page.locator('[name="logout"][value="yes"]'));

/** Where the walk stands; every page of ours that a person meets, by name. */
export type Stop =
  'sign-in' | 'refused' | 'consent' | 'account' | 'sign-out' | 'expired' | 'signed-out' | 'help';

/** The whole journey, from the portal's front page to the end; `look` is called at each page. */
export async function walk(
  { issuer, portal, fund }: Demonstration,
  page: Page,
  { phone, password }: Citizen,
  look: (stop: Stop) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  await page.goto(`${portal}/login`);
  await look('sign-in');
  const signInPage = page.url();
  await enterPassword(page, phone, 'Wrong-Answer-1');
  await look('refused');
  await enterPassword(page, phone, password);
  await page.waitForURL(`${portal}/`);
  await page.goto(`${fund}/login`);
  await look('consent');
  await decide(page, 'allow');
  await page.waitForURL(`${fund}/`);
  await page.goto(`${issuer}/account`);
  await look('account');
  await askToSignOut(page, portal);
  await look('sign-out');
  await confirmSignOut(page);
  await page.waitForURL(`${portal}/`);
  await page.goto(signInPage);
  await look('expired');
  await page.goto(`${issuer}/signed-out`);
  await look('signed-out');
  await page.goto(`${issuer}/help`);
  await look('help');
}
