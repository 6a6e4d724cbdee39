/** What the two demonstration sites say and which colours they wear; everything else is shared. */
export interface Look {
  /** Selects the colours in site.css. */
  theme: 'vermilion' | 'jade';
  emblem: string;
  slogan: string;
  introduction: string;
  services: readonly { name: string; detail: string }[];
}

const PORTAL: Look = {
  theme: 'vermilion',
  emblem: '市',
  slogan: '一次登录，全市通办',
  introduction: '社保、医保、户政、不动产等事项，一个入口办理，一处查看进度。',
  services: [
    { name: '社会保险', detail: '缴费记录、待遇资格认证' },
    { name: '医疗保障', detail: '参保信息、异地就医备案' },
    { name: '户政服务', detail: '居住证申领、户口迁移预约' },
    { name: '不动产', detail: '权属查询、登记预约' },
    { name: '出生一件事', detail: '出生医学证明、落户、参保' },
    { name: '企业开办', detail: '设立登记、公章、税务' },
  ],
};

const HOUSING_FUND: Look = {
  theme: 'jade',
  emblem: '房',
  slogan: '住有所居，账目清楚',
  introduction: '查询缴存账户，在线申请提取与贷款，办理结果短信通知。',
  services: [
    { name: '缴存查询', detail: '账户余额、缴存明细' },
    { name: '提取申请', detail: '购房、租房、退休提取' },
    { name: '贷款业务', detail: '额度试算、进度查询' },
    { name: '异地转移', detail: '跨城市接续，无需往返' },
    { name: '缴存证明', detail: '在线开具，可验真' },
    { name: '单位业务', detail: '汇缴、补缴、基数调整' },
  ],
};

export function lookOf(clientId: string): Look {
  return clientId === 'demo-housing-fund' ? HOUSING_FUND : PORTAL;
}

const CLAIM_LABELS: Readonly<Record<string, string>> = {
  sub: '您在本部门的编号',
  user_type: '用户类型',
  name_masked: '姓名（脱敏）',
  name: '姓名',
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
