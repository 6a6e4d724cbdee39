/** Synthetic persons by number: every n gives another phone, user name and valid 公民身份号码. */
import { createHash } from 'node:crypto';

const REGIONS = ['110101', '310104', '330106', '370202', '420111', '440305', '500103', '510104'];
const FAMILY_NAMES = ['赵', '钱', '孙', '李', '周', '吴', '郑', '王', '冯', '陈'];
const GIVEN_NAMES = ['示例', '试', '样本', '虚构', '仿真', '甲', '乙', '丙'];
const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECK_CHARACTERS = '10X98765432';
const FIRST_BIRTHDAY = Date.UTC(1945, 0, 1);
const BIRTHDAYS = 22_000;
const SEQUENCES = 999;
const DAY_MILLISECONDS = 86_400_000;
/** The password that the hashes of all of them are made of. */
export const SYNTHETIC_PASSWORD = 'Plum-Bridge-41';

/** One line of `account import`. Numbers repeat after BIRTHDAYS × SEQUENCES × REGIONS = 175 million. */
export function syntheticAccount(n: number) {
  const salt = createHash('sha256').update(`salt ${n}`).digest().subarray(0, 16);
  const digest = createHash('sha256').update(salt).update(SYNTHETIC_PASSWORD).digest('base64');
  return {
    username: `person-${n}`,
    phone: syntheticPhone(n),
    phone_verified: true,
    email: `person-${n}@example.com`,
    name: `${FAMILY_NAMES[n % 10] ?? ''}${GIVEN_NAMES[Math.floor(n / 10) % 8] ?? ''}`,
    id_number: syntheticNumber(n),
    real_name_level: 3,
    password_hash: `$sha256$o=sp$${salt.toString('base64')}$${digest}`,
  };
}

/** 13 and nine digits; a bijection of n spreads neighbours over the whole range. */
export const syntheticPhone = (n: number) =>
  `13${String((BigInt(n) * 387_420_489n) % 1_000_000_000n).padStart(9, '0')}`;

export function syntheticNumber(n: number): string {
  const birthday = new Date(FIRST_BIRTHDAY + (n % BIRTHDAYS) * DAY_MILLISECONDS);
  const sequence = 1 + (Math.floor(n / BIRTHDAYS) % SEQUENCES);
  const region = REGIONS[Math.floor(n / (BIRTHDAYS * SEQUENCES)) % REGIONS.length] ?? '';
  const date = birthday.toISOString().slice(0, 10).replaceAll('-', '');
  const digits = `${region}${date}${String(sequence).padStart(3, '0')}`;
  const sum = WEIGHTS.reduce((total, weight, at) => total + weight * Number(digits[at]), 0);
  return digits + CHECK_CHARACTERS.charAt(sum % 11);
}
