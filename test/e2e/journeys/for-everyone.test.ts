import { expect } from 'chai';
import type { Page } from 'playwright-core';
import {
  askToSignOut,
  decide,
  describeJourney,
  enterPassword,
  follow,
  heading,
  isSignedInAt,
  walk,
  type Stop,
} from '../../support/journey.ts';
import { findings, widerThanWindow } from '../../support/page-checks.ts';

const lang = (page: Page) => page.locator('html').getAttribute('lang');
const look = (page: Page) => page.locator('html').getAttribute('data-look');
/** What a keyboard is at, as its text or field name, and whether that can be seen. */
const FOCUSED = `({
  text: document.activeElement.innerText || document.activeElement.name || '',
  outline: getComputedStyle(document.activeElement).outlineStyle,
})`;
const HAN = /\p{Script=Han}/u;

describeJourney('journeys/for everyone', (stage) => {
  for (const [title, options] of [
    ['light, Chinese', { locale: 'zh-CN', colorScheme: 'light' }],
    ['dark, English', { locale: 'en-GB', colorScheme: 'dark' }],
  ] as const) {
    it(`axe-core finds nothing on any page of the way (${title})`, async () => {
      const page = await stage().open({ ...options, reducedMotion: 'reduce' });
      const found: string[] = [];
      await walk(stage(), page, await stage().citizen(), async (stop) => {
        found.push(...(await findings(page)).map((finding) => `${stop}: ${finding}`));
      });
      expect(found).to.deep.equal([]);
    });
  }

  it('axe-core finds nothing at the demo sites', async () => {
    const { portal, fund, open, citizen } = stage();
    const { phone, password } = await citizen();
    const found: string[] = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await open({ colorScheme, reducedMotion: 'reduce' });
      const check = async (stop: string) => {
        found.push(...(await findings(page)).map((finding) => `${stop}: ${finding}`));
        if ((await widerThanWindow(page)) > 0) found.push(`${stop}: wider than the window`);
      };
      await page.setViewportSize({ width: 320, height: 640 });
      await page.goto(fund);
      await check('fund, front page');
      await page.goto(`${portal}/login`);
      await enterPassword(page, phone, password);
      await check('portal, signed in');
      await page.goto(`${portal}/logout`);
      await check('portal, sign out');
      await page.goto(`${portal}/callback?error=access_denied&state=unknown`);
      await page.goto(`${fund}/callback?error=access_denied&state=unknown`);
      await check('fund, refused');
    }
    expect(found).to.deep.equal([]);
  });

  for (const elder of [false, true]) {
    it(`fits a window of 320 pixels (${elder ? '长辈版' : 'standard'})`, async () => {
      const { issuer, open, citizen } = stage();
      const page = await open({ viewport: { width: 320, height: 640 } });
      if (elder) {
        await page.goto(`${issuer}/help`);
        await follow(page, page.locator('[name="look"][value="elder"]'));
      }
      const wide: Stop[] = [];
      await walk(stage(), page, await citizen(), async (stop) => {
        if ((await widerThanWindow(page)) > 0) wide.push(stop);
      });
      expect(wide).to.deep.equal([]);
    });
  }

  it('is all there without scripts', async () => {
    const page = await stage().open({ javaScriptEnabled: false });
    const met: Stop[] = [];
    await walk(stage(), page, await stage().citizen(), async (stop) => {
      expect(await page.locator('h1').count(), stop).to.equal(1);
      met.push(stop);
    });
    expect(met).to.include.members(['refused', 'consent', 'account', 'sign-out', 'expired']);
  });

  it('goes by keyboard alone, and the focus can be seen', async () => {
    const { portal, fund, open, citizen } = stage();
    const { phone, password } = await citizen();
    const page = await open();
    const { keyboard } = page;
    const tabTo = async (name: RegExp) => {
      const passed: string[] = [];
      for (let presses = 0; presses < 30; presses += 1) {
        await keyboard.press('Tab');
        const { text, outline } = await page.evaluate<{ text: string; outline: string }>(FOCUSED);
        if (name.test(text)) return expect(outline, text).not.to.equal('none');
        passed.push(text);
      }
      return expect.fail(`Tab never reaches ${name.source}, only ${passed.join(', ')}`);
    };
    const enter = async () => {
      const loaded = page.waitForEvent('domcontentloaded');
      await keyboard.press('Enter');
      await loaded;
    };
    await page.goto(portal);
    await tabTo(/^登录$/);
    await enter();
    await tabTo(/^account$/);
    await keyboard.type(phone);
    await keyboard.press('Tab');
    await keyboard.type(password);
    await enter();
    await page.waitForURL(`${portal}/`);
    await tabTo(/^前往/);
    await enter();
    await tabTo(/^同意授权$/);
    await enter();
    await page.waitForURL(`${fund}/`);
    await tabTo(/^退出登录$/);
    await enter();
    await tabTo(/^退出登录$/);
    await enter();
    expect(await isSignedInAt(page, fund)).to.equal(false);
  });

  it('remembers the language through the whole journey', async () => {
    const { issuer, portal, fund, open, citizen } = stage();
    const { phone, password } = await citizen();
    const page = await open();
    await page.goto(`${portal}/login`);
    expect(await lang(page)).to.equal('zh-CN');
    await follow(page, page.getByRole('button', { name: 'English' }));
    expect(await lang(page)).to.equal('en');
    expect(await heading(page)).to.equal('Citizen Services Portal asks you to sign in');
    await enterPassword(page, phone, 'Wrong-Answer-1');
    expect(await page.getByRole('alert').innerText()).not.to.match(HAN);
    await enterPassword(page, phone, password);
    await page.goto(`${fund}/login`);
    expect(await lang(page)).to.equal('en');
    const asked = await page.locator('main').innerText();
    expect(asked.replaceAll('张*例', '')).not.to.match(HAN);
    await decide(page, 'allow');
    await page.goto(`${issuer}/account`);
    expect(await heading(page)).to.equal('My account');
    await askToSignOut(page, portal);
    expect(await heading(page)).to.equal('Sign out?');
  });

  it('remembers 长辈版 through the whole journey', async () => {
    const { portal, open, citizen } = stage();
    const page = await open();
    await page.goto(`${portal}/login`);
    const size = () => page.evaluate<string>('getComputedStyle(document.body).fontSize');
    expect(await size()).to.equal('16px');
    await follow(page, page.getByRole('button', { name: '长辈版' }));
    expect(await size()).to.equal('22px');
    const looks: (string | null)[] = [];
    await walk(stage(), page, await citizen(), async () => {
      looks.push(await look(page));
    });
    expect(new Set(looks)).to.deep.equal(new Set(['elder']));
    await follow(page, page.getByRole('button', { name: '标准版' }));
    expect(await look(page)).to.equal('standard');
  });

  it('speaks the language that the site asks for, until the person chooses', async () => {
    const { issuer, portal, open } = stage();
    const page = await open();
    const request = new URLSearchParams({
      ...{ client_id: 'demo-portal', response_type: 'code', scope: 'openid profile_basic' },
      ...{ redirect_uri: `${portal}/callback`, state: 's', nonce: 'n', ui_locales: 'en' },
      ...{ code_challenge: 'w'.repeat(43), code_challenge_method: 'S256' },
    });
    await page.goto(`${issuer}/auth?${request.toString()}`);
    expect(await lang(page)).to.equal('en');
    await follow(page, page.getByRole('button', { name: '中文' }));
    expect(await lang(page)).to.equal('zh-CN');
  });

  it('is dark where the person’s system is', async () => {
    const { portal, open } = stage();
    const ground = async (colorScheme: 'light' | 'dark') => {
      const page = await open({ colorScheme });
      await page.goto(`${portal}/login`);
      return await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    };
    expect(await ground('light')).to.equal('rgb(244, 246, 250)');
    expect(await ground('dark')).to.equal('rgb(15, 21, 29)');
  });
});
