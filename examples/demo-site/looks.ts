/** What the two demonstration sites say and which colours they wear; everything else is shared. */
export interface Look {
  /** Selects the colours in site.css. */
  theme: 'vermilion' | 'jade';
  emblem: string;
  slogan: string;
  introduction: string;
  /** What one can do here after signing in. */
  benefits: readonly string[];
  services: readonly { name: string; detail: string }[];
  notices: readonly { date: string; title: string; text: string }[];
  /** The signed-in person's own affairs; invented, the same for everybody. */
  affairs: { title: string; rows: readonly { name: string; detail: string; state: string }[] };
  contact: readonly { name: string; value: string }[];
}

const PORTAL: Look = {
  theme: 'vermilion',
  emblem: '市',
  slogan: '一次登录，全市通办',
  introduction: '社保、医保、户政、不动产等事项，一个入口办理，一处查看进度。',
  benefits: ['在线申请，少跑窗口', '查看我的办件进度', '接收到期与补正提醒'],
  services: [
    { name: '社会保险', detail: '缴费记录、待遇资格认证' },
    { name: '医疗保障', detail: '参保信息、异地就医备案' },
    { name: '户政服务', detail: '居住证申领、户口迁移预约' },
    { name: '不动产', detail: '权属查询、登记预约' },
    { name: '出生一件事', detail: '出生医学证明、落户、参保' },
    { name: '企业开办', detail: '设立登记、公章、税务' },
  ],
  notices: [
    {
      date: '2026-11-18',
      title: '关于居住证签注全程网办的通知',
      text: '自2026年12月1日起，居住证签注可在线办理，无需到窗口提交材料。',
    },
    {
      date: '2026-11-09',
      title: '2027年度城乡居民医保集中缴费开始',
      text: '集中缴费期为2026年11月10日至2027年2月28日，可在“医疗保障”中缴费。',
    },
    {
      date: '2026-10-26',
      title: '市政务服务大厅周六开放窗口公告',
      text: '每周六9:00至12:00开放综合窗口，可提前一天在线预约取号。',
    },
  ],
  affairs: {
    title: '我的办件',
    rows: [
      { name: '居住证签注', detail: '2026-11-20 提交', state: '审核中' },
      { name: '异地就医备案', detail: '2026-10-12 提交', state: '已办结' },
    ],
  },
  contact: [
    { name: '政务服务热线', value: '12345（7×24小时）' },
    { name: '办公地址', value: '示范市人民路1号市民中心' },
    { name: '办公时间', value: '工作日 9:00–12:00，13:30–17:30' },
  ],
};

const HOUSING_FUND: Look = {
  theme: 'jade',
  emblem: '住',
  slogan: '住有所居，账目清楚',
  introduction: '查询缴存账户，在线申请提取与贷款，办理结果短信通知。',
  benefits: ['查询余额与缴存明细', '在线申请提取，3个工作日到账', '开具可验真的缴存证明'],
  services: [
    { name: '缴存查询', detail: '账户余额、缴存明细' },
    { name: '提取申请', detail: '购房、租房、退休提取' },
    { name: '贷款业务', detail: '额度试算、进度查询' },
    { name: '异地转移', detail: '跨城市接续，无需往返' },
    { name: '缴存证明', detail: '在线开具，可验真' },
    { name: '单位业务', detail: '汇缴、补缴、基数调整' },
  ],
  notices: [
    {
      date: '2026-11-16',
      title: '关于优化租房提取频次的通知',
      text: '自2026年12月1日起，无自有住房的缴存人可按月提取，不再需要提供租赁发票。',
    },
    {
      date: '2026-11-02',
      title: '年终结算期间业务暂停安排',
      text: '2026年12月31日18:00至2027年1月1日8:00暂停线上提取和贷款业务。',
    },
    {
      date: '2026-10-20',
      title: '缴存证明启用电子印章',
      text: '在线开具的缴存证明与纸质证明具有同等效力，可扫码验真。',
    },
  ],
  affairs: {
    title: '我的账户',
    rows: [
      { name: '账户余额', detail: '截至 2026-11-20', state: '86,420.35 元' },
      { name: '月缴存额', detail: '单位与个人各一半', state: '2,860.00 元' },
      { name: '缴存状态', detail: '连续缴存 74 个月', state: '正常' },
    ],
  },
  contact: [
    { name: '公积金热线', value: '12329（工作日 9:00–17:00）' },
    { name: '办公地址', value: '示范市建设路2号' },
    { name: '办公时间', value: '工作日 9:00–12:00，13:30–17:00' },
  ],
};

export function lookOf(clientId: string): Look {
  return clientId === 'demo-housing-fund' ? HOUSING_FUND : PORTAL;
}
