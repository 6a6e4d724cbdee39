/**
 * bcrypt as other systems store it: `$2a$`, `$2b$` or `$2y$`, which agree on every password (`$2x$`
 * has a bug of its own and is not taken). It looks at the first 72 bytes only.
 */
import { hashSync } from '@node-rs/bcrypt';
import type { HashFamily } from './family.ts';

const FORM = /^\$2[aby]\$(\d\d)\$([./A-Za-z0-9]{22})([./A-Za-z0-9]{31})$/;
const OUTPUT_LENGTH = 31;
const MIN_COST = 4;
/** About 0.8 s of one core; 12 is what most systems use. */
const MAX_COST = 14;

/** bcrypt's base64 has an alphabet of its own. */
const OWN_ALPHABET = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

export const bcrypt: HashFamily = {
  id: 'bcrypt',

  read(text) {
    const [, cost, saltText, output] = FORM.exec(text) ?? [];
    if (cost === undefined || saltText === undefined || output === undefined) return 'unknown_form';
    if (Number(cost) < MIN_COST) return 'unknown_form';
    if (Number(cost) > MAX_COST) return 'too_costly';
    return { parameters: cost, salt: saltBytes(saltText), output: Buffer.from(output) };
  },

  derive(password, parameters, salt) {
    const cost = Number(parameters);
    if (!(cost >= MIN_COST && cost <= MAX_COST)) throw new Error('bcrypt: bad parameters');
    return Buffer.from(hashSync(password, cost, salt).slice(-OUTPUT_LENGTH));
  },
};

function saltBytes(text: string): Buffer {
  const translated = Array.from(text, (character) => ALPHABET[OWN_ALPHABET.indexOf(character)]);
  return Buffer.from(translated.join(''), 'base64');
}
