/** One sample of each page, and variants of those that have more than one face. */
import type { Pages, SignInPasswordPage } from '#http/pages.ts';

const site = { name: '市民服务门户', department: '市政务服务数据管理局' };
const METHODS = ['password', 'sms-otp', 'qr', 'webauthn', 'certificate', 'face'];
const uid = 'V1StGXR8Z5jdHi6BmyT1a';
const csrf = 'sample-csrf-token';

const methodLinks = (ids: readonly string[]): SignInPasswordPage['methods'] =>
  ids.map((id) => ({ id, href: `/interaction/${uid}/${id}`, current: id === 'password' }));

const signIn: SignInPasswordPage = {
  ...{ uid, site, csrf, account: '', methods: methodLinks(['password']) },
  cancelHref: `/interaction/${uid}/cancel`,
};

const consent: Pages['consent'] = {
  ...{ uid, csrf, signedInAs: '张*', lasts: { days: 365 } },
  site: { name: '住房公积金网上服务大厅', department: '市住房公积金管理中心' },
  purpose: '办理住房公积金查询、提取和贷款业务',
  legalGround: 'consent',
  required: [
    {
      name: 'profile',
      values: [
        { claim: 'name', value: '张*' },
        { claim: 'real_name_level', value: '4' },
        { claim: 'age_group', value: 'adult' },
      ],
      reason: '核对公积金账户户主',
    },
    { name: 'phone', values: [{ claim: 'phone_number', value: '138****8000' }], isNew: true },
  ],
  optional: [
    {
      name: 'email',
      values: [{ claim: 'email', value: 'z***@example.cn' }],
      reason: '发送电子账单',
    },
    { name: 'address', values: [{ claim: 'address', value: '北京市东城区****' }] },
  ],
};

const overview: Pages['account/overview'] = {
  csrf,
  nameMasked: '张*',
  idType: 'resident_id',
  idNumberMasked: '110***********1234',
  phoneMasked: '138****8000',
  emailMasked: 'z***@example.cn',
  realNameLevel: 4,
  sessions: [
    {
      ...{ uid: 's1', current: true, address: '192.0.2.10', channel: 'web' },
      signedInAt: new Date('2026-11-23T06:05:00Z'),
      lastUsedAt: new Date('2026-11-23T06:20:00Z'),
      device: 'Chrome · Windows',
      sites: ['市民服务门户', '住房公积金网上服务大厅'],
    },
    {
      ...{ uid: 's2', current: false, address: '2001:db8:1234:5678::1', channel: 'app' },
      signedInAt: new Date('2026-11-20T16:30:00Z'),
      lastUsedAt: new Date('2026-11-22T01:00:00Z'),
      device: '',
      sites: [],
    },
  ],
};

export const samples: { readonly [P in keyof Pages]: Pages[P] } = {
  'sign-in/password': signIn,
  consent,
  'sign-out': {
    formHtml:
      '<form id="op.logoutForm" method="post" action="/session/end/confirm"><input type="hidden" name="xsrf" value="sample"/></form>',
    sites: ['市民服务门户', '住房公积金网上服务大厅'],
    site,
  },
  'signed-out': { siteName: '市民服务门户', returnHref: 'https://portal.example.cn/' },
  error: {
    code: 'interaction.expired',
    requestId: '0b6c9a52-7c1e-4b0e-9d53-0a4b1c2d3e4f',
    siteName: '市民服务门户',
    startAgainHref: 'https://portal.example.cn/',
  },
  'account/overview': overview,
  agreement: {},
  privacy: {},
  help: {},
};

export interface Variant<P extends keyof Pages = keyof Pages> {
  /** Page and what is special about it, for titles and file names. */
  readonly name: string;
  readonly page: P;
  readonly model: Pages[P];
}

const variant = <P extends keyof Pages>(name: string, page: P, model: Pages[P]): Variant => ({
  ...{ name: `${page.replace('/', '-')}-${name}`, page, model },
});

/** Faces of pages that the plain samples do not show. */
export const variants: readonly Variant[] = [
  variant('refused', 'sign-in/password', {
    ...signIn,
    account: '13800138000',
    refusal: 'wrong_answer',
  }),
  variant('locked', 'sign-in/password', {
    ...signIn,
    ...{ account: '13800138000', refusal: 'locked', retryAfterSeconds: 90 },
  }),
  variant('busy', 'sign-in/password', { ...signIn, refusal: 'busy' }),
  variant('six-methods', 'sign-in/password', { ...signIn, methods: methodLinks(METHODS) }),
  variant('step-up', 'sign-in/password', { ...signIn, reason: 'step_up', signedInAs: '张*' }),
  variant('no-site', 'sign-in/password', {
    ...{ uid, csrf, account: '', methods: methodLinks(['password']) },
  }),
  variant('nothing-asked', 'consent', {
    ...consent,
    ...{
      required: [],
      optional: [],
      purpose: undefined,
      legalGround: undefined,
      lasts: 'once',
      signedInAs: '',
    },
  }),
  variant('long', 'consent', {
    ...consent,
    site: {
      name: '新疆维吾尔自治区伊犁哈萨克自治州察布查尔锡伯自治县不动产登记网上申请平台',
      department: '察布查尔锡伯自治县自然资源局不动产登记中心',
    },
    lasts: 'until_revoked',
  }),
  variant('no-sites', 'sign-out', { ...samples['sign-out'], sites: [], site: undefined }),
  variant('no-return', 'signed-out', {}),
  variant('unknown', 'error', { code: 'server.error', requestId: samples.error.requestId }),
  variant('wait', 'error', {
    ...{ code: 'request.rate_limited', requestId: samples.error.requestId, retryAfterSeconds: 42 },
  }),
  variant('empty', 'account/overview', {
    ...{ csrf, nameMasked: '', realNameLevel: 1, sessions: [], notice: 'all_ended' },
  }),
];

/** Every page once, then its variants. */
export const everySample: readonly Variant[] = [
  ...Object.keys(samples).map((name) => {
    const page = name as keyof Pages;
    return { name: page.replace('/', '-'), page, model: samples[page] };
  }),
  ...variants,
];
