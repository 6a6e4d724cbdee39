/**
 * The longer texts: /agreement, /privacy, /help. A line break separates paragraphs. `{operator}` is
 * who runs the service, `{phone}` its help line.
 */
export const documentsZhCN = {
  'document.operator_unnamed': '本服务的主办单位',
  'document.phone_unnamed': '12345',
  'document.contents': '本页内容',

  'agreement.title': '用户协议',
  'agreement.quoted': '《用户协议》',
  'agreement.lead': '本协议说明您使用统一身份认证时，您和{operator}各自的权利与责任。',
  'agreement.service.heading': '我们提供什么',
  'agreement.service.text':
    '统一身份认证让您用一个账号登录多个政务服务应用。本服务免费。\n各应用办理的具体业务由该应用的主管单位负责，本服务只负责确认您是谁。',
  'agreement.account.heading': '您的账号',
  'agreement.account.text':
    '账号仅限您本人使用，请勿转让、出借。请提供真实、有效的身份信息；信息变化时请及时更新。\n请妥善保管密码。工作人员不会向您索要密码或验证码。发现他人使用您的账号时，请立即拨打 {phone}。',
  'agreement.conduct.heading': '请不要这样做',
  'agreement.conduct.text':
    '不要使用他人的身份信息登录，不要尝试绕过安全措施，不要用程序批量登录。有上述情形时，我们可以依法暂停该账号，并按规定向有关部门报告。',
  'agreement.availability.heading': '服务的中断与变更',
  'agreement.availability.text':
    '我们尽力保持服务连续。计划内的维护会提前公告；遇到故障或网络攻击时，服务可能短时中断。\n本协议变更后，我们会在本页公布新文本。',
  'agreement.end.heading': '停止使用',
  'agreement.end.text':
    '您可以随时退出登录、撤销对应用的授权，或申请注销账号。申请注销请拨打 {phone} 或前往政务服务窗口办理。',

  'privacy.title': '隐私政策',
  'privacy.quoted': '《隐私政策》',
  'privacy.lead':
    '本政策说明{operator}处理您的哪些个人信息、为什么处理、保存多久，以及您有哪些权利。',
  'privacy.collect.heading': '我们处理哪些信息',
  'privacy.collect.text':
    '身份信息：姓名、证件类型和号码、手机号，以及您填写的电子邮箱和用户名。用于确认您是谁。\n登录信息：登录时间、网络地址、浏览器和设备类型、登录过的应用。用于保护您的账号，并让您能够查看自己的登录记录。\n密码只以不可还原的形式保存，任何人都无法看到。',
  'privacy.protect.heading': '我们怎样保护',
  'privacy.protect.text':
    '姓名和证件号码加密保存，页面上默认遮盖显示。工作人员查看您的信息会留下不可修改的记录。\n本网站只使用登录和显示偏好所必需的 Cookie，没有广告，也不使用第三方统计。',
  'privacy.share.heading': '我们提供给谁',
  'privacy.share.text':
    '您登录某个应用时，我们只提供该应用经批准的信息项。需要您同意的，会先在授权页面上列出内容和用途；您可以拒绝。\n每个部门收到的您的编号不同，不能据此相互关联。法律另有规定的除外，我们不向其他人提供您的信息。',
  'privacy.keep.heading': '保存多久',
  'privacy.keep.text':
    '账号信息保存到您注销账号为止。登录日志至少保存 180 天，期限届满后删除；法律另有规定的从其规定。',
  'privacy.rights.heading': '您的权利',
  'privacy.rights.text':
    '您可以在个人中心查看您的信息和登录设备，并将设备下线。查阅、复制、更正、删除个人信息，撤回同意或注销账号，请拨打 {phone} 或前往政务服务窗口，我们会在 15 个工作日内答复。',
  'privacy.minors.heading': '未成年人',
  'privacy.minors.text': '未满 14 周岁的，须由监护人同意并协助使用本服务。',

  'help.title': '帮助',
  'help.lead': '登录遇到问题，请先看这里；仍未解决时，请拨打 {phone}。',
  'help.how.heading': '怎样登录',
  'help.how.text':
    '从您要办事的网站点“登录”，会来到本页面。输入账号（手机号、证件号码或用户名）和密码，点“登录”，即可回到该网站。\n登录一次后，在同一浏览器中进入其他应用，一般不用再输入密码。',
  'help.check.heading': '怎样确认网站是真的',
  'help.check.text':
    '登录前请看浏览器的地址栏，确认网址属于{operator}，再输入密码。工作人员不会通过电话、短信或聊天软件向您索要密码或验证码。',
  'help.forgotten.heading': '忘记密码',
  'help.forgotten.text':
    '请拨打 {phone}，或携带有效身份证件前往就近的政务服务窗口办理重置。为了您的账号安全，工作人员会先核对您的身份。',
  'help.locked.heading': '账号已锁定',
  'help.locked.text':
    '连续输错多次后，账号会暂时锁定，以防他人猜测密码。页面会显示还要等多久，到时会自动解锁，您不需要做任何事。\n如果不是您本人在尝试登录，请在解锁后登录个人中心，查看登录设备。',
  'help.level.heading': '什么是实名等级',
  'help.level.text':
    '实名等级表示您的身份经过怎样的核验，共 5 级：未实名、信息自填、初级实名、中级实名、高级实名。等级越高，可以办理的事项越多。\n您的等级在个人中心可以看到。提升到高级实名，请携带有效身份证件前往政务服务窗口。',
  'help.shared.heading': '使用公共电脑',
  'help.shared.text':
    '请不要让浏览器保存密码。办完后请点“退出登录”，再关闭所有浏览器窗口。忘记退出时，可以在手机上登录个人中心，将该设备下线。',
  'help.elder.heading': '字太小，看不清',
  'help.elder.text':
    '点页面右上角的“长辈版”，文字和按钮会变大，内容会变少。点“标准版”可以改回来。本网站会记住您的选择。',
} as const;
