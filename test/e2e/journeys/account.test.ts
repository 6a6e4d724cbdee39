import { expect } from 'chai';
import type { Page } from 'playwright-core';
import {
  describeJourney,
  enterPassword,
  heading,
  isSignedInAt,
  signInAt,
  type Stage,
} from '../../support/journey.ts';
import { soon } from '../../support/watched-page.ts';
import type { Citizen } from '../../support/test-server.ts';

const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 ' +
  '(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1';

/** Opens 个人中心 in a browser of its own and signs in. */
async function openAccount(
  { issuer, open }: Stage,
  { phone, password }: Citizen,
  userAgent?: string,
): Promise<Page> {
  const page = await open(userAgent === undefined ? {} : { userAgent });
  await page.goto(`${issuer}/account`);
  await enterPassword(page, phone, password);
  await page.waitForURL(`${issuer}/account`);
  return page;
}

const isAskedToSignIn = async (page: Page) => {
  await page.reload();
  return page.url().includes('/interaction/');
};

describeJourney('journeys/个人中心', (stage) => {
  it('shows who is signed in, masked, and nothing unmasked', async () => {
    const person = await stage().citizen();
    const page = await openAccount(stage(), person);
    const text = await page.locator('main').innerText();
    expect(text).to.include('张*例').and.include('110***********').and.include('中级实名');
    expect(text).to.include(`${person.phone.slice(0, 3)}****${person.phone.slice(-4)}`);
    const source = await page.content();
    expect(source).not.to.include('张示例').and.not.to.include(person.phone);
    expect(source).not.to.include(person.idNumber);
  });

  it('lists this device first, with the sites entered, and says that there is no other', async () => {
    const { issuer, portal, names } = stage();
    const page = await openAccount(stage(), await stage().citizen());
    await page.goto(`${portal}/login`);
    await page.waitForURL(`${portal}/`);
    await page.goto(`${issuer}/account`);
    const sessions = page.locator('.session');
    expect(await sessions.count()).to.equal(1);
    expect(await sessions.innerText())
      .to.include('当前设备')
      .and.include(names.portal);
    expect(await page.locator('main').innerText()).to.include('目前没有其他设备登录您的账号');
    expect(await page.getByRole('button', { name: '其他设备全部下线' }).count()).to.equal(0);
  });

  it('ends the session of another browser, at its sites too', async () => {
    const { portal } = stage();
    const person = await stage().citizen();
    const phone = await openAccount(stage(), person, IPHONE);
    const phoneAtPortal = await phone.context().newPage();
    await signInAt(phoneAtPortal, portal, person);
    const page = await openAccount(stage(), person);
    const other = page.locator('.session', { hasText: 'Safari · iPhone' });
    await other.getByRole('button', { name: '下线' }).click();
    expect(await page.getByRole('status').first().innerText()).to.include('该设备已下线');
    expect(await page.locator('.session').count()).to.equal(1);
    expect(await isAskedToSignIn(phone)).to.equal(true);
    const isOut = async () => !(await isSignedInAt(phoneAtPortal, portal));
    expect(await soon(phoneAtPortal, isOut), 'the site was told').to.equal(true);
    expect(await isAskedToSignIn(page)).to.equal(false);
  });

  it('signs out everywhere else at once, and then here', async () => {
    const { issuer } = stage();
    const person = await stage().citizen();
    const others = [await openAccount(stage(), person), await openAccount(stage(), person, IPHONE)];
    const page = await openAccount(stage(), person);
    await page.getByRole('button', { name: '其他设备全部下线' }).click();
    expect(await page.getByRole('status').first().innerText()).to.include('其他设备已全部下线');
    for (const other of others) expect(await isAskedToSignIn(other)).to.equal(true);
    expect(await isAskedToSignIn(page)).to.equal(false);
    await page.goto(`${issuer}/account`);
    await page.getByRole('button', { name: '退出登录' }).click();
    expect(await heading(page)).to.equal('您已退出登录');
    await page.goto(`${issuer}/account`);
    expect(page.url()).to.include('/interaction/');
  });
});
