/** The frame of every page of a demonstration site; site.css dresses it. No script anywhere. */
import { html, type Html } from './html.ts';
import type { Look } from './looks.ts';
import type { SiteRegistration } from './registration.ts';

export interface SiteContext {
  site: SiteRegistration;
  neighbours: readonly SiteRegistration[];
  issuer: string;
}

/** Leads about the front page. */
export const NAVIGATION = html`<nav aria-label="栏目">
  <a href="/" aria-current="page">首页</a>
  <a href="#services">服务事项</a>
  <a href="#notices">通知公告</a>
  <a href="#contact">联系我们</a>
</nav>`;

export function layout(
  { site }: SiteContext,
  look: Look,
  page: { title: string; entry?: Html; body: Html; nav?: Html },
): Html {
  return html`<!doctype html>
    <html lang="zh-CN" data-theme="${look.theme}">
      <head>
        <meta charset="utf-8" />
        <meta name="color-scheme" content="light dark" />
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
            ${page.nav}
            <div class="entry">${page.entry}</div>
          </div>
        </header>
        <main id="content">${page.body}</main>
        <footer>
          <div class="inner">
            <p>主办单位：${site.department}</p>
            <p>政府网站标识码：0000000000</p>
            <p>演示ICP备00000000号</p>
            <p>演示站点，人员与事项均为虚构。</p>
          </div>
        </footer>
      </body>
    </html>`;
}
