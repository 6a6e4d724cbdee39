/** The pages of a demonstration site, inside the frame of layout.ts. */
import { html, type Html } from './html.ts';
import { claimLabel, claimText, levelLabel, strengthLabel } from './claims.ts';
import { layout, NAVIGATION, type SiteContext } from './layout.ts';
import { lookOf, type Look } from './looks.ts';
import type { SignedIn } from './relying-party.ts';

export interface Message {
  title: string;
  text: string;
  /** Shown small, for whoever is asked for help. */
  code?: string;
  isError?: boolean;
}

export function landingPage(context: SiteContext): Html {
  const look = lookOf(context.site.clientId);
  const benefits = look.benefits.map((benefit) => html`<li>${benefit}</li>`);
  const body = html`<section class="hero">
      <div class="inner hero-columns">
        <div>
          <h1>${look.slogan}</h1>
          <p class="lead">${look.introduction}</p>
        </div>
        <div class="entrance">
          <h2>登录后可以</h2>
          <ul>
            ${benefits}
          </ul>
          <a class="button wide" href="/login">登录</a>
          <p class="hint">使用统一身份认证账号，本站不保存您的密码。</p>
        </div>
      </div>
    </section>
    <div class="inner">
      ${serviceCards(look)}
      <div class="columns">${noticeList(look)}${contactCard(look)}</div>
    </div>`;
  const entry = html`<a class="button small" href="/login">登录</a>`;
  return layout(context, look, { title: context.site.name, entry, body, nav: NAVIGATION });
}

export function homePage(context: SiteContext, person: SignedIn): Html {
  const { idTokenClaims, userinfo } = person;
  const look = lookOf(context.site.clientId);
  const name = claimText('name', userinfo['name'] ?? userinfo['name_masked'] ?? '办事人');
  const facts = [
    ['实名等级', levelLabel(userinfo['real_name_level'])],
    ['本次认证强度', strengthLabel(idTokenClaims['acr'])],
    ['认证时间', claimText('auth_time', idTokenClaims['auth_time'] ?? '未提供')],
  ].map(
    ([label, value]) =>
      html`<div>
        <dt>${label}</dt>
        <dd>${value}</dd>
      </div>`,
  );
  const body = html`<div class="inner">
    <section class="card" aria-labelledby="greeting">
      <h1 id="greeting">您好，${name}</h1>
      <dl class="facts">${facts}</dl>
      ${person.refreshToken === undefined ? undefined : renewForm}
    </section>
    ${affairsCard(look)} ${neighbourCards(context)}
    <section class="card" aria-labelledby="claims">
      <h2 id="claims">本站收到的信息</h2>
      <p class="hint">统一身份认证按您的授权提供给本站的全部内容，供接入开发人员对照。</p>
      ${claimsTable('用户信息（UserInfo）', userinfo)}
      ${claimsTable('身份令牌（ID Token）', idTokenClaims)}
    </section>
  </div>`;
  const entry = html`<span class="who">${name}</span>${logoutForm('button small quiet')}`;
  return layout(context, look, { title: '我的主页', entry, body });
}

export function logoutPage(context: SiteContext): Html {
  const body = html`<div class="inner narrow">
    <section class="card">
      <h1>退出登录</h1>
      <p>退出后，您在其他网站的登录也会一并结束。</p>
      <div class="actions">${logoutForm('button')}<a class="button quiet" href="/">返回</a></div>
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
      <div class="actions">
        ${message.isError ? html`<a class="button" href="/login">重新登录</a>` : undefined}
        <a class="button quiet" href="/">返回首页</a>
      </div>
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

function serviceCards(look: Look): Html {
  const services = look.services.map(
    ({ name, detail }) =>
      html`<li>
        <a href="/login"><strong>${name}</strong><span>${detail}</span></a>
      </li>`,
  );
  return html`<section aria-labelledby="services">
    <h2 id="services">服务事项</h2>
    <ul class="services" role="list">
      ${services}
    </ul>
  </section>`;
}

function noticeList(look: Look): Html {
  const notices = look.notices.map(
    ({ date, title, text }) =>
      html`<details>
        <summary><span>${title}</span><time datetime="${date}">${date}</time></summary>
        <p>${text}</p>
      </details>`,
  );
  return html`<section class="card" aria-labelledby="notices">
    <h2 id="notices">通知公告</h2>
    ${notices}
  </section>`;
}

function contactCard(look: Look): Html {
  const rows = look.contact.map(
    ({ name, value }) =>
      html`<div>
        <dt>${name}</dt>
        <dd>${value}</dd>
      </div>`,
  );
  return html`<section class="card" aria-labelledby="contact">
    <h2 id="contact">联系我们</h2>
    <dl class="contact">${rows}</dl>
  </section>`;
}

function affairsCard({ affairs }: Look): Html {
  const rows = affairs.rows.map(
    ({ name, detail, state }) =>
      html`<li>
        <span><strong>${name}</strong><small>${detail}</small></span
        ><b>${state}</b>
      </li>`,
  );
  return html`<section class="card" aria-labelledby="affairs">
    <h2 id="affairs">${affairs.title}</h2>
    <ul class="affairs" role="list">
      ${rows}
    </ul>
  </section>`;
}

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
