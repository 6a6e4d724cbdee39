import { expect } from 'chai';
import type { Page } from 'playwright-core';
import {
  describeJourney,
  enterPassword,
  heading,
  isSignedInAt,
  signInAt,
  submitButton,
  type Stage,
} from '../../support/journey.ts';

const EXPIRED = '您的登录信息已过期，请重新登录';

/** The interaction's record is gone, as ten minutes after it began. */
async function expire({ server }: Stage, page: Page): Promise<void> {
  const uid = /\/interaction\/([^/]+)/.exec(page.url())?.[1] ?? '';
  await server.running.services.records.records.remove('Interaction', uid);
}

async function secondTab(page: Page): Promise<Page> {
  return await page.context().newPage();
}

describeJourney('journeys/tabs, history and expiry', (stage) => {
  it('going back after the sign-in shows an ended page, and starting again works', async () => {
    const { portal, names, open, citizen } = stage();
    const page = await open();
    await signInAt(page, portal, await citizen());
    await page.goBack();
    expect(page.url()).to.include('/interaction/');
    expect(await heading(page)).to.equal(EXPIRED);
    await page.getByRole('link', { name: names.portal }).click();
    await page.waitForURL(`${portal}/`);
    expect(await heading(page)).to.equal('您好，张*例');
  });

  it('an expired page names the site, and starting again leads to a page that works', async () => {
    const { portal, names, open, citizen } = stage();
    const { phone, password } = await citizen();
    const page = await open();
    await page.goto(`${portal}/login`);
    await expire(stage(), page);
    await enterPassword(page, phone, password);
    expect(await heading(page)).to.equal(EXPIRED);
    await page.getByRole('link', { name: names.portal }).click();
    await enterPassword(page, phone, password);
    await page.waitForURL(`${portal}/`);
    expect(await isSignedInAt(page, portal)).to.equal(true);
  });

  it('two tabs sign in side by side at two sites', async () => {
    const { portal, fund, open, citizen } = stage();
    const { phone, password } = await citizen();
    const first = await open();
    const second = await secondTab(first);
    await first.goto(`${portal}/login`);
    await second.goto(`${fund}/login`);
    await enterPassword(first, phone, password);
    await first.waitForURL(`${portal}/`);
    await enterPassword(second, phone, password);
    await second.locator('[name="decision"][value="allow"]').click();
    await second.waitForURL(`${fund}/`);
    expect(await isSignedInAt(first, portal)).to.equal(true);
    expect(await isSignedInAt(second, fund)).to.equal(true);
  });

  it('the same sign-in in two tabs: the later one is told, not signed in twice', async () => {
    const { portal, names, open, citizen } = stage();
    const { phone, password } = await citizen();
    const first = await open();
    const second = await secondTab(first);
    await first.goto(`${portal}/login`);
    await second.goto(first.url());
    await enterPassword(first, phone, password);
    await first.waitForURL(`${portal}/`);
    await enterPassword(second, phone, password);
    expect(await heading(second)).to.equal(EXPIRED);
    await second.getByRole('link', { name: names.portal }).click();
    await second.waitForURL(`${portal}/`);
    expect(await heading(second)).to.equal('您好，张*例');
  });

  it('a double click sends the password once', async () => {
    const { portal, open, citizen } = stage();
    const { phone, password } = await citizen();
    const page = await open();
    const posts: string[] = [];
    page.on('request', (request) => {
      if (request.method() === 'POST') posts.push(request.url());
    });
    await page.goto(`${portal}/login`);
    await page.locator('[name="account"]').fill(phone);
    await page.locator('[name="password"]').fill(password);
    await submitButton(page).dblclick();
    await page.waitForURL(`${portal}/`);
    expect(posts).to.have.lengthOf(1);
  });

  it('going back after the sign-out shows nothing about the person', async () => {
    const { issuer, open, citizen } = stage();
    const { phone, password } = await citizen();
    const page = await open();
    await page.goto(`${issuer}/account`);
    await enterPassword(page, phone, password);
    await page.waitForURL(`${issuer}/account`);
    expect(await page.locator('main').innerText()).to.include('张*例');
    await page.getByRole('button', { name: '退出登录' }).click();
    await page.waitForURL(`${issuer}/signed-out`);
    expect(await heading(page)).to.equal('您已退出登录');
    await page.goBack();
    await page.waitForLoadState();
    expect(await page.locator('body').innerText()).not.to.include('张*例');
  });
});
