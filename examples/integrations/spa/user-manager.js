// 一认通接入示例：oidc-client-ts 3。本示例不用打包工具：把 npm 包里的
// dist/browser/oidc-client-ts.min.js 放到本目录，它提供全局变量 oidc。
// 用打包工具时改为 import { UserManager, WebStorageStateStore } from 'oidc-client-ts'。
//
// 没有服务器的单页应用是公开客户端：注册时 token_endpoint_auth_method 为 none，
// allowed_origins 列出本站来源，否则浏览器的跨域请求会被拒绝。
const { UserManager, WebStorageStateStore } = window.oidc;

export const userManager = new UserManager({
  authority: 'http://localhost:3000',
  client_id: 'example-spa',
  redirect_uri: 'http://localhost:8084/callback.html',
  post_logout_redirect_uri: 'http://localhost:8084/index.html',
  response_type: 'code',
  scope: 'openid profile_basic',
  loadUserInfo: true,
  // 没有刷新令牌时静默续期要靠第三方 Cookie，现代浏览器不给；到期后重新跳转即可，不会再出登录页
  automaticSilentRenew: false,
  // 关闭标签页即忘记；不要放进 localStorage
  userStore: new WebStorageStateStore({ store: window.sessionStorage }),
  stateStore: new WebStorageStateStore({ store: window.sessionStorage }),
});
