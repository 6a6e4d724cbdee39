/** The pages of a demonstration site; site.css dresses them. No script anywhere. */
import { html, type Html } from './html.ts';
import { claimLabel, claimText, levelLabel, lookOf, strengthLabel, type Look } from './looks.ts';
import type { SiteRegistration } from './registration.ts';
import type { SignedIn } from './relying-party.ts';

export interface SiteContext {
  site: SiteRegistration;
  neighbours: readonly SiteRegistration[];
  issuer: string;
}

export interface Message {
  title: string;
  text: string;
  /** Shown small, for whoever is asked for help. */
  code?: string;
  isError?: boolean;
}

export function landingPage(context: SiteContext): Html {
  const look = lookOf(context.site.clientId);
  const actions = html`<a class="button on-brand" href="/login">登录</a>
    <p class="hint">使用统一身份认证账号，本站不保存您的密码。</p>`;
  const services = look.services.map(
    ({ name, detail }) => html`<li><strong>${name}</strong><span>${detail}</span></li>`,
  );
  const body = html`<section class="hero">
      <div class="inner">
        <h1>${look.slogan}</h1>
        <p class="lead">${look.introduction}</p>
        ${actions}
      </div>
    </section>
    <section class="inner">
      <h2>服务事项</h2>
      <ul class="services" role="list">
        ${services}
      </ul>
    </section>`;
  const entry = html`<a class="button small" href="/login">登录</a>`;
  return layout(context, look, { title: context.site.name, entry, body });
}

export function homePage(context: SiteContext, person: SignedIn): Html {
  const { idTokenClaims, userinfo } = person;
  const name = claimText('name', userinfo['name'] ?? userinfo['name_masked'] ?? '办事人');
  const body = html`<div class="inner">
    <section class="card" aria-labelledby="greeting">
      <h1 id="greeting">您好，${name}</h1>
      <dl class="facts">
        <div>
          <dt>实名等级</dt>
          <dd>${levelLabel(userinfo['real_name_level'])}</dd>
        </div>
        <div>
          <dt>本次认证强度</dt>
          <dd>${strengthLabel(idTokenClaims['acr'])}</dd>
        </div>
        <div>
          <dt>认证时间</dt>
          <dd>${claimText('auth_time', idTokenClaims['auth_time'] ?? '未提供')}</dd>
        </div>
      </dl>
      ${person.refreshToken === undefined ? undefined : renewForm}
    </section>
    ${neighbourCards(context)}
    <section class="card" aria-labelledby="claims">
      <h2 id="claims">本站收到的信息</h2>
      ${claimsTable('用户信息（UserInfo）', userinfo)}
      ${claimsTable('身份令牌（ID Token）', idTokenClaims)}
    </section>
  </div>`;
  const entry = html`<span class="who">${name}</span>${logoutForm('button small')}`;
  return layout(context, lookOf(context.site.clientId), { title: '我的主页', entry, body });
}

export function logoutPage(context: SiteContext): Html {
  const body = html`<div class="inner narrow">
    <section class="card">
      <h1>退出登录</h1>
      <p>退出后，您在其他网站的登录也会一并结束。</p>
      <p class="actions">${logoutForm('button')}<a href="/">返回</a></p>
    </section>
  </div>`;
  return layout(context, lookOf(context.site.clientId), { title: '退出登录', body });
}

export function messagePage(context: SiteContext, message: Message): Html {
  const body = html`<div class="inner narrow">
    <section class="card" ${message.isError ? html`role="alert"` : undefined}>
      <h1>${message.title}</h1>
      <p>${message.text}</p>
      ${message.code === undefined ? undefined : html`<p class="hint">错误代码：<code>${message.code}</code></p>`}
      <p class="actions">
        <a class="button" href="/login">重新登录</a>
        <a href="/">返回首页</a>
      </p>
    </section>
  </div>`;
  return layout(context, lookOf(context.site.clientId), { title: message.title, body });
}

const renewForm = html`<form method="post" action="/renew">
  <button class="button quiet">更新我的信息</button>
</form>`;

const logoutForm = (style: string) =>
  html`<form method="post" action="/logout">
    <button class="${style}">退出登录</button>
  </form>`;

/** Other sites are entered by their initiate_login_uri: signed in there without a page. */
function neighbourCards({ neighbours, issuer }: SiteContext): Html | undefined {
  if (neighbours.length === 0) return undefined;
  const links = neighbours.map(({ name, department, initiateLoginUri }) => {
    const url = new URL(initiateLoginUri);
    url.searchParams.set('iss', issuer);
    return html`<li>
      <a href="${url.href}"><strong>前往${name}</strong><span>${department}，无需再次登录</span></a>
    </li>`;
  });
  return html`<section aria-labelledby="neighbours">
    <h2 id="neighbours">继续办理</h2>
    <ul class="services" role="list">
      ${links}
    </ul>
  </section>`;
}

/** Of interest to the protocol only. */
const TECHNICAL: ReadonlySet<string> = new Set(['iss', 'aud', 'exp', 'iat', 'nonce', 'at_hash']);

function claimsTable(caption: string, claims: Record<string, unknown>): Html {
  const rows = Object.entries(claims)
    .filter(([name]) => !TECHNICAL.has(name))
    .map(
      ([name, value]) =>
        html`<tr>
          <th scope="row">${claimLabel(name)}<code>${name}</code></th>
          <td>${claimText(name, value)}</td>
        </tr>`,
    );
  return html`<table>
    <caption>
      ${caption}
    </caption>
    <tbody>
      ${rows}
    </tbody>
  </table>`;
}

function layout(
  { site }: SiteContext,
  look: Look,
  page: { title: string; entry?: Html; body: Html },
): Html {
  return html`<!doctype html>
    <html lang="zh-CN" data-theme="${look.theme}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${page.title === site.name ? site.name : `${page.title} - ${site.name}`}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/site.css" />
      </head>
      <body>
        <a class="skip" href="#content">跳到正文</a>
        <header>
          <div class="inner bar">
            <a class="brand" href="/">
              <span class="emblem" aria-hidden="true">${look.emblem}</span>
              <span> <strong>${site.name}</strong><small>${site.department}</small> </span>
            </a>
            <div class="entry">${page.entry}</div>
          </div>
        </header>
        <main id="content">${page.body}</main>
        <footer>
          <div class="inner">
            <p>主办单位：${site.department}</p>
            <p>演示站点，人员与事项均为虚构。</p>
          </div>
        </footer>
      </body>
    </html>`;
}
