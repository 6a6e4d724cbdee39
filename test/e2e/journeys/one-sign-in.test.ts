import { expect } from 'chai';
import {
  askToSignOut,
  confirmSignOut,
  decide,
  describeJourney,
  enterPassword,
  heading,
  isSignedInAt,
  signInAt,
} from '../../support/journey.ts';
import { soon } from '../../support/watched-page.ts';

describeJourney('journeys/one sign-in, two sites', (stage) => {
  it('signs in at the portal and walks into the fund without a sign-in page', async () => {
    const { portal, fund, names, open, citizen } = stage();
    const { phone, password } = await citizen();
    const page = await open();
    await page.goto(portal);
    await page.getByRole('link', { name: '登录' }).first().click();
    expect(await heading(page)).to.equal(`${names.portal} 请您登录`);
    await enterPassword(page, phone, password);
    await page.waitForURL(`${portal}/`);
    expect(await heading(page)).to.equal('您好，张*例');

    await page.getByRole('link', { name: `前往${names.fund}` }).click();
    await page.waitForURL('**/consent');
    expect(await heading(page)).to.equal(`「${names.fund}」申请获取以下信息`);
    const asked = await page.locator('main').innerText();
    expect(asked).to.include('张*例').and.include('1990-**-**');
    expect(asked).to.include(`${phone.slice(0, 3)}****${phone.slice(-4)}`);
    expect(asked).not.to.include('张示例').and.not.to.include(phone);
    await decide(page, 'allow');
    await page.waitForURL(`${fund}/`);
    expect(await heading(page)).to.equal('您好，张示例');
  });

  it('asks for consent once: the next sign-in goes straight to the site', async () => {
    const { fund, open, citizen } = stage();
    const person = await citizen();
    await signInAt(await open(), fund, person);
    const another = await open();
    await another.goto(`${fund}/login`);
    await enterPassword(another, person.phone, person.password);
    await another.waitForURL(`${fund}/`);
    expect(await heading(another)).to.equal('您好，张示例');
  });

  it('signs out at the portal, and the fund knows', async () => {
    const { portal, fund, names, open, citizen } = stage();
    const person = await citizen();
    const page = await open();
    await signInAt(page, portal, person);
    await signInAt(page, fund, person);
    await askToSignOut(page, portal);
    const said = await page.locator('main').innerText();
    expect(said).to.include('退出登录？').and.include(names.portal).and.include(names.fund);
    await confirmSignOut(page);
    await page.waitForURL(`${portal}/`);
    expect(await isSignedInAt(page, portal)).to.equal(false);
    const isOut = async () => !(await isSignedInAt(page, fund));
    expect(await soon(page, isOut), 'the fund was told').to.equal(true);
  });

  it('leaves nothing behind that a silent request could use', async () => {
    const { issuer, portal, fund, open, citizen } = stage();
    const page = await open();
    await signInAt(page, portal, await citizen());
    const silent = new URLSearchParams({
      ...{ client_id: 'demo-portal', response_type: 'code', scope: 'openid profile_basic' },
      ...{ redirect_uri: `${portal}/callback`, state: 'silent', nonce: 'n', prompt: 'none' },
      ...{ code_challenge: 'w'.repeat(43), code_challenge_method: 'S256' },
    });
    const answerTo = async () => {
      const answers: string[] = [];
      page.on('request', (request) => answers.push(request.url()));
      await page.goto(`${issuer}/auth?${silent.toString()}`);
      page.removeAllListeners('request');
      const callback = answers.find((url) => url.startsWith(`${portal}/callback`));
      return new URL(callback ?? fund).searchParams;
    };
    expect((await answerTo()).has('code')).to.equal(true);
    await askToSignOut(page, portal);
    await confirmSignOut(page);
    await page.waitForURL(`${portal}/`);
    expect((await answerTo()).get('error')).to.equal('login_required');
  });

  it('stays signed in everywhere when the confirmation is declined', async () => {
    const { issuer, portal, fund, open, citizen } = stage();
    const person = await citizen();
    const page = await open();
    await signInAt(page, portal, person);
    await signInAt(page, fund, person);
    await askToSignOut(page, portal);
    await page.getByRole('button', { name: '保持登录' }).click();
    await page.waitForURL(`${portal}/`);
    expect(await isSignedInAt(page, fund)).to.equal(true);
    await page.goto(`${issuer}/account`);
    expect(await heading(page)).to.equal('个人中心');
  });

  it('tells the site when consent is declined, and may be asked again', async () => {
    const { portal, fund, open, citizen } = stage();
    const person = await citizen();
    const page = await open();
    await signInAt(page, portal, person);
    await page.goto(`${fund}/login`);
    await decide(page, 'deny');
    await page.waitForURL(`${fund}/callback?*`);
    expect(await heading(page)).to.equal('登录未完成');
    expect(await page.locator('main').innerText()).to.include('本站没有收到您的信息');
    await page.getByRole('link', { name: '重新登录' }).click();
    await decide(page, 'allow');
    await page.waitForURL(`${fund}/`);
    expect(await isSignedInAt(page, fund)).to.equal(true);
  });
});
