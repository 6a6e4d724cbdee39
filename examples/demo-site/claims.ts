/** What the site received about a person, in words. */
const CLAIM_LABELS: Readonly<Record<string, string>> = {
  sub: '您在本部门的编号',
  user_type: '用户类型',
  name_masked: '姓名（脱敏）',
  name: '姓名',
  preferred_username: '用户名',
  zoneinfo: '时区',
  real_name_level: '实名等级',
  real_name_method: '核验方式',
  real_name_time: '核验时间',
  age_group: '年龄段',
  phone_number: '手机号',
  phone_number_verified: '手机号已验证',
  birthdate: '出生日期',
  gender: '性别',
  locale: '语言',
  updated_at: '更新时间',
  email: '电子邮箱',
  acr: '本次认证强度',
  amr: '本次认证方式',
  auth_time: '认证时间',
  sid: '统一会话编号',
};
const LEVELS = ['', '未实名', '信息自填', '初级实名', '中级实名', '高级实名'];
const STRENGTHS: Readonly<Record<string, string>> = {
  'urn:yirentong:aal:1': '单因素',
  'urn:yirentong:aal:2': '双因素',
  'urn:yirentong:aal:3': '硬件级双因素',
};
const WORDS: Readonly<Record<string, string>> = {
  natural: '自然人',
  legal: '法人',
  lt14: '未满 14 周岁',
  '14_17': '14 至 17 周岁',
  adult: '成年',
  male: '男',
  female: '女',
  demo: '演示数据',
  'zh-CN': '简体中文',
  'Asia/Shanghai': '北京时间',
  pwd: '密码',
  sms: '短信验证码',
  mfa: '多因素',
  true: '是',
  false: '否',
};
const TIMES: ReadonlySet<string> = new Set(['auth_time', 'real_name_time', 'updated_at']);

export const claimLabel = (name: string) => CLAIM_LABELS[name] ?? name;
export const levelLabel = (level: unknown) => LEVELS[Number(level)] ?? '未提供';
export const strengthLabel = (acr: unknown) => STRENGTHS[String(acr)] ?? '未提供';

/** A claim's value as a person reads it; times in Beijing, as on every government page. */
export function claimText(name: string, value: unknown): string {
  if (name === 'real_name_level') return `${levelLabel(value)}（${String(value)} 级）`;
  if (name === 'acr') return `${strengthLabel(value)}（${String(value)}）`;
  if (TIMES.has(name) && (typeof value === 'number' || typeof value === 'string')) {
    return beijingTime(value);
  }
  if (Array.isArray(value)) return value.map((item) => claimText('', item)).join('、');
  if (typeof value === 'object' && value !== null) return JSON.stringify(value);
  return WORDS[String(value)] ?? String(value);
}

/** @param time - Unix seconds, or a date that JavaScript can read */
function beijingTime(time: number | string): string {
  const date = new Date(typeof time === 'number' ? time * 1000 : time);
  if (Number.isNaN(date.getTime())) return String(time);
  // The Swedish form happens to be 2026-08-22 09:30:00.
  return date.toLocaleString('sv-SE', { timeZone: 'Asia/Shanghai' });
}
