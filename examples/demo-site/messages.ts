/** What the site says when a login did not end as wished; always with a way on. */
import type { Message } from './pages.ts';

export const SIGNED_OUT: Message = {
  title: '您已退出登录',
  text: '在公共电脑上使用时，请同时关闭浏览器。',
};
export const LOGIN_EXPIRED: Message = {
  title: '登录请求已失效',
  text: '可能是停留时间过长，或使用了浏览器的后退按钮。请重新登录。',
  isError: true,
};
export const UNAVAILABLE: Message = {
  title: '统一身份认证暂时无法访问',
  text: '请稍后重新登录。如多次失败，请联系网站客服。',
  code: 'temporarily_unavailable',
  isError: true,
};
export const REFUSED = {
  notFound: { title: '页面不存在', text: '您访问的页面不存在或已移走。', isError: true },
  unknownIssuer: {
    title: '登录来源不受信任',
    text: '本站只接受指定的统一身份认证平台。请从本站首页登录。',
    code: 'unknown_issuer',
    isError: true,
  },
} as const satisfies Record<string, Message>;

const FAILURES: Readonly<Record<string, Omit<Message, 'code'>>> = {
  access_denied: {
    title: '登录未完成',
    text: '您取消了登录或未同意授权，本站没有收到您的信息。',
  },
  login_required: { title: '需要登录', text: '请重新登录后继续办理。' },
  consent_required: { title: '需要您的授权', text: '请重新登录，并确认授权内容。' },
  unmet_authentication_requirements: {
    title: '认证强度不足',
    text: '本事项需要更高强度的身份认证，请在个人中心绑定后重新登录。',
  },
  invalid_grant: LOGIN_EXPIRED,
  temporarily_unavailable: UNAVAILABLE,
};

/** @param code - `error` of an OAuth answer */
export function loginFailure(code: string): Message {
  const known = FAILURES[code] ?? { title: '登录没有完成', text: '请重新登录。' };
  return { ...known, code, isError: true };
}
