/**
 * What the error page says: `error.<code>` names what happened, `error.<code>.next` what to do now.
 * A code of lib/errors.ts without both does not compile. The `oidc.*` codes are the protocol's own
 * errors, told in a citizen's words; http/pages.ts maps the rarer ones onto these.
 */
import type { ErrorCode } from '#lib/errors.ts';

export const errorsZhCN = {
  'error.request.invalid': '提交的内容有误',
  'error.request.invalid.next': '请返回上一页，检查后重新提交。',
  'error.request.too_large': '提交的内容过大',
  'error.request.too_large.next': '请返回上一页，减少内容后重新提交。',
  'error.request.wrong_host': '访问的网址不正确',
  'error.request.wrong_host.next': '请从您要办事的网站重新进入登录页面。',
  'error.request.not_found': '页面不存在',
  'error.request.not_found.next': '请检查网址是否正确，或从您要办事的网站重新进入。',
  'error.request.method_not_allowed': '无法这样打开此页面',
  'error.request.method_not_allowed.next': '请从您要办事的网站重新进入登录页面。',
  'error.request.csrf': '页面已失效',
  'error.request.csrf.next': '为了您的账号安全，请返回上一页，刷新后重新提交。',
  'error.request.rate_limited': '操作过于频繁',
  'error.request.rate_limited.next': '请稍候再试。当前网络的请求过多，并非您的账号有问题。',
  'error.interaction.expired': '您的登录信息已过期，请重新登录',
  'error.interaction.expired.next':
    '登录页面打开时间过长，或已经在其他窗口完成。请从您要办事的网站重新进入。',
  'error.session.required': '请先登录',
  'error.session.required.next': '您尚未登录，或登录已过期。登录后即可继续。',
  'error.sign_in.locked': '账号已锁定',
  'error.sign_in.locked.next': '连续输错多次后，账号会暂时锁定，以防他人猜测您的密码。请稍后再试。',
  'error.server.busy': '当前访问人数较多',
  'error.server.busy.next': '请稍候再试，您不需要重新填写其他信息。',
  'error.server.unavailable': '服务暂时不可用',
  'error.server.unavailable.next': '我们正在处理，请稍后再试。',
  'error.server.error': '服务出现问题',
  'error.server.error.next': '问题已被记录。请稍后再试；仍未解决时，请联系服务热线。',
  'error.wait': '请在{wait}后再试。',

  'error.oidc.invalid_request': '应用发来的登录请求有误',
  'error.oidc.invalid_request.next': '请返回应用重新登录。问题再次出现时，请联系该应用的服务人员。',
  'error.oidc.invalid_client': '未能识别您要访问的应用',
  'error.oidc.invalid_client.next':
    '该应用可能未接入或已停用。请确认网址正确，或联系该应用的服务人员。',
  'error.oidc.invalid_redirect_uri': '应用的返回网址不正确',
  'error.oidc.invalid_redirect_uri.next':
    '为防止您的信息被送往错误的地址，登录已停止。请确认您是从正规网站进入的。',
  'error.oidc.invalid_scope': '应用申请的信息超出许可',
  'error.oidc.invalid_scope.next': '登录已停止，您的信息没有提供给该应用。请联系该应用的服务人员。',
  'error.oidc.access_denied': '您已取消登录或授权',
  'error.oidc.access_denied.next': '您的信息没有提供给该应用。需要时可以返回应用重新登录。',
  'error.oidc.login_required': '需要先登录',
  'error.oidc.login_required.next': '请返回应用重新登录。',
  'error.oidc.unmet_authentication_requirements': '当前登录方式不能满足应用的要求',
  'error.oidc.unmet_authentication_requirements.next':
    '该应用需要安全性更高的登录方式。请返回应用，换一种方式登录。',
  'error.oidc.temporarily_unavailable': '登录服务暂时繁忙',
  'error.oidc.temporarily_unavailable.next': '请稍候返回应用重新登录。',
} as const satisfies Record<`error.${ErrorCode}` | `error.${ErrorCode}.next`, string> &
  Record<`error.oidc.${string}` | 'error.wait', string>;
