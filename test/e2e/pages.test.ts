import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { LOOKS } from '#http/preferences.ts';
import { LOCALES } from '#i18n/translate.ts';
import { describeInBrowser } from '../support/browser.ts';
import { findings, widerThanWindow } from '../support/page-checks.ts';
import { everySample } from '../support/page-samples.ts';
import { startPageServer, type PageServer } from '../support/page-server.ts';

describeInBrowser('pages in a browser', (browser) => {
  let server: PageServer;

  before(async () => {
    server = await startPageServer();
  });
  after(() => server.close());

  for (const locale of LOCALES) {
    for (const look of LOOKS) {
      for (const colorScheme of ['light', 'dark'] as const) {
        it(`have nothing for axe-core to find (${locale}, ${look}, ${colorScheme})`, async () => {
          const page = await browser().newPage({ colorScheme, reducedMotion: 'reduce' });
          const found: string[] = [];
          for (const { name } of everySample) {
            await page.goto(server.urlOf(name, locale, look));
            found.push(...(await findings(page)).map((finding) => `${name}: ${finding}`));
          }
          await page.close();
          expect(found).to.deep.equal([]);
        });
      }

      it(`are never wider than a window of 320 pixels (${locale}, ${look})`, async () => {
        const page = await browser().newPage({ viewport: { width: 320, height: 640 } });
        const wide: string[] = [];
        for (const { name } of everySample) {
          await page.goto(server.urlOf(name, locale, look));
          if ((await widerThanWindow(page)) > 0) wide.push(name);
        }
        await page.close();
        expect(wide).to.deep.equal([]);
      });
    }
  }

  it('need no script: every form and its fields stand there without it', async () => {
    const context = await browser().newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(server.urlOf('sign-in-password-locked', 'zh-CN', 'standard'));
    expect(await page.getByLabel('账号', { exact: true }).isEditable()).to.equal(true);
    expect(await page.getByRole('button', { name: '登录', exact: true }).isEnabled()).to.equal(
      true,
    );
    expect(await page.getByRole('alert').innerText()).to.include('账号已锁定，请2分钟后再试');
    await context.close();
  });

  it('break no content security policy', async () => {
    const page = await browser().newPage();
    const refused: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') refused.push(message.text());
    });
    for (const { name } of everySample) await page.goto(server.urlOf(name, 'en', 'standard'));
    await page.close();
    expect(refused).to.deep.equal([]);
  });
});

describeInBrowser('pages: what scripts add', (browser) => {
  let server: PageServer;
  let page: Page;

  before(async () => {
    server = await startPageServer();
  });
  beforeEach(async () => {
    page = await browser().newPage();
  });
  afterEach(() => page.close());
  after(() => server.close());

  it('puts the focus on the refusal', async () => {
    await page.goto(server.urlOf('sign-in-password-refused', 'zh-CN', 'standard'));
    expect(await page.evaluate('document.activeElement.getAttribute("role")')).to.equal('alert');
  });

  it('shows the password and hides it again', async () => {
    await page.goto(server.urlOf('sign-in-password', 'zh-CN', 'standard'));
    const type = () => page.locator('#password').getAttribute('type');
    await page.getByRole('button', { name: '显示密码' }).click();
    expect(await type()).to.equal('text');
    await page.getByRole('button', { name: '隐藏密码' }).click();
    expect(await type()).to.equal('password');
  });

  it('sends the pressed button’s value once and says that it is sending', async () => {
    const bodies: (string | null)[] = [];
    await page.route('**/interaction/**', async (route) => {
      bodies.push(route.request().postData());
      await new Promise((resolve) => setTimeout(resolve, 300));
      await route.fulfill({ status: 204 });
    });
    await page.goto(server.urlOf('consent', 'zh-CN', 'standard'));
    await page.getByRole('button', { name: '拒绝' }).click({ clickCount: 2, noWaitAfter: true });
    await page.getByRole('button', { name: '正在提交…' }).waitFor();
    expect(bodies).to.deep.equal(['csrf=sample-csrf-token&decision=deny']);
  });

  it('counts a lock down and lets one try again', async () => {
    await page.clock.install();
    await page.goto(server.urlOf('sign-in-password-locked', 'zh-CN', 'standard'));
    const waiting = page.getByRole('button', { name: '请稍候（01:30）' });
    expect(await waiting.isDisabled()).to.equal(true);
    await page.clock.runFor(91_000);
    expect(await page.getByRole('button', { name: '登录', exact: true }).isEnabled()).to.equal(
      true,
    );
  });
});
