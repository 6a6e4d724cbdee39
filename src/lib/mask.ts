/**
 * What is left of personal data on a page, in a claim or in a log. Made on the server: the full
 * value never leaves it by these. Never fails; what has no expected shape is hidden altogether.
 */

/** `张三` → `张*`, `张小三` → `张*三`, `欧阳文文` → `欧**文`; one character → `*`. */
export function maskName(name: string): string {
  const characters = Array.from(name);
  const first = characters[0] ?? '';
  if (characters.length <= 2) return characters.length === 2 ? `${first}*` : '*';
  return first + '*'.repeat(characters.length - 2) + (characters.at(-1) ?? '');
}

/** `110101199003071234` → `110***********1234` (18-character numbers). */
export function maskResidentId(number: string): string {
  if (number.length !== 18) return '*'.repeat(number.length);
  return `${number.slice(0, 3)}***********${number.slice(-4)}`;
}

/** `+8613800138000` or `13800138000` → `138****8000`. */
export function maskPhone(phone: string): string {
  const [, start, end] = /^(?:\+86)?(\d{3})\d{4}(\d{4})$/.exec(phone) ?? [];
  return start === undefined || end === undefined ? '*'.repeat(phone.length) : `${start}****${end}`;
}

/** `zhang@example.com` → `z***@example.com`. */
export function maskEmail(address: string): string {
  const at = address.lastIndexOf('@');
  if (at < 1) return '***';
  return `${Array.from(address)[0] ?? ''}***${address.slice(at)}`;
}
