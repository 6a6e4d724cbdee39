/**
 * PBKDF2 (RFC 8018) as other systems store it: `$pbkdf2-sha256$i=600000$salt$hash`, also `sha1` and
 * `sha512`; `i=` may be absent, an `l=` may follow, and `.` may stand for `+` (passlib). Salt and hash
 * are base64.
 */
import { pbkdf2Sync } from 'node:crypto';
import { base64Bytes, isReasonable, type HashFamily } from './family.ts';

const FORM = /^\$pbkdf2-(sha1|sha256|sha512)\$(?:i=)?(\d{1,9})(?:,l=\d{1,3})?\$([^$]+)\$([^$]+)$/;
const PARAMETERS = /^(sha1|sha256|sha512),i=(\d+),l=(\d+)$/;
/** About a second of one core. */
const MAX_ITERATIONS = 2_000_000;

export const pbkdf2: HashFamily = {
  id: 'pbkdf2',

  read(text) {
    const [, digest, iterations, saltText = '', outputText = ''] = FORM.exec(text) ?? [];
    const salt = base64Bytes(saltText.replaceAll('.', '+'));
    const output = base64Bytes(outputText.replaceAll('.', '+'));
    if (digest === undefined || !isReasonable(salt, 4) || !isReasonable(output, 16)) {
      return 'unknown_form';
    }
    if (Number(iterations) < 1) return 'unknown_form';
    if (Number(iterations) > MAX_ITERATIONS) return 'too_costly';
    const parameters = `${digest},i=${Number(iterations)},l=${output.length}`;
    return { parameters, salt, output };
  },

  derive(password, parameters, salt) {
    const [, digest, iterations, length] = PARAMETERS.exec(parameters) ?? [];
    if (digest === undefined || !(Number(iterations) <= MAX_ITERATIONS)) {
      throw new Error('pbkdf2: bad parameters');
    }
    return pbkdf2Sync(password, salt, Number(iterations), Number(length), digest);
  },
};
