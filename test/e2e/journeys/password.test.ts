import { expect } from 'chai';
import {
  describeJourney,
  enterPassword,
  heading,
  isSignedInAt,
  submitButton,
} from '../../support/journey.ts';

describeJourney('journeys/wrong, locked, cancelled', (stage) => {
  it('says that the password is wrong, where the focus is, and keeps the account', async () => {
    const { portal, open, citizen } = stage();
    const { phone, password } = await citizen();
    const page = await open();
    await page.goto(`${portal}/login`);
    const refused = page.waitForResponse((response) => response.request().method() === 'POST');
    await enterPassword(page, phone, 'Wrong-Answer-1');
    expect((await refused).status()).to.equal(422);
    const alert = page.getByRole('alert');
    expect(await alert.innerText()).to.include('用户名或密码错误');
    expect(await page.evaluate('document.activeElement.getAttribute("role")')).to.equal('alert');
    expect(await page.locator('[name="account"]').inputValue()).to.equal(phone);
    expect(await page.locator('[name="password"]').inputValue()).to.equal('');
    expect(await page.title()).to.match(/^错误/);

    await enterPassword(page, phone, password);
    await page.waitForURL(`${portal}/`);
    expect(await isSignedInAt(page, portal)).to.equal(true);
  });

  it('answers an unknown account with the same words', async () => {
    const { portal, open } = stage();
    const page = await open();
    await page.goto(`${portal}/login`);
    await enterPassword(page, '13999999999', 'Wrong-Answer-1');
    expect(await page.getByRole('alert').innerText()).to.include('用户名或密码错误');
  });

  it('locks after five wrong answers and says for how long', async () => {
    const { portal, open, citizen } = stage();
    const { phone, password } = await citizen();
    const page = await open();
    await page.goto(`${portal}/login`);
    for (let wrong = 1; wrong <= 5; wrong += 1) {
      await enterPassword(page, phone, `Wrong-Answer-${wrong}`);
      expect(await page.getByRole('alert').innerText()).to.include('用户名或密码错误');
    }
    await enterPassword(page, phone, password);
    expect(await page.getByRole('alert').innerText()).to.match(
      /账号已锁定，请\d+(?:秒|分钟)后再试/,
    );
    expect(await submitButton(page).isDisabled()).to.equal(true);
    expect(await submitButton(page).innerText()).to.match(/请稍候（\d\d:\d\d）/);
  });

  it('goes back to the site when it is cancelled, and may begin again', async () => {
    const { portal, open, citizen } = stage();
    const { phone, password } = await citizen();
    const page = await open();
    await page.goto(`${portal}/login`);
    await page.getByRole('button', { name: '返回应用' }).click();
    await page.waitForURL(`${portal}/callback?*`);
    expect(await heading(page)).to.equal('登录未完成');
    await page.getByRole('link', { name: '重新登录' }).click();
    await enterPassword(page, phone, password);
    await page.waitForURL(`${portal}/`);
    expect(await isSignedInAt(page, portal)).to.equal(true);
  });
});
