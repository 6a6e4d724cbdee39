/** Argon2id as other systems store it: the PHC string `$argon2id$v=19$m=…,t=…,p=…$salt$hash`. */
import { hashRawSync } from '@node-rs/argon2';
import { base64Bytes, isReasonable, type HashFamily } from './family.ts';

const FORM = /^\$argon2id\$v=19\$(m=\d{1,8},t=\d{1,4},p=\d{1,3})\$([^$]+)\$([^$]+)$/;
const PARAMETERS = /^m=(\d+),t=(\d+),p=(\d+),l=(\d+)$/;
const MAX_MEMORY_KIBIBYTES = 262_144;
const MAX_LANES = 16;
/** Memory times passes, in KiB: about half a second of one core. */
const MAX_WORK = 1_048_576;

export const argon2id: HashFamily = {
  id: 'argon2id',

  read(text) {
    const [, costs = '', saltText = '', outputText = ''] = FORM.exec(text) ?? [];
    const [salt, output] = [base64Bytes(saltText), base64Bytes(outputText)];
    if (!isReasonable(salt, 8) || !isReasonable(output, 16)) return 'unknown_form';
    const parameters = `${costs},l=${output.length}`;
    return costsOf(parameters) ? { parameters, salt, output } : 'too_costly';
  },

  derive(password, parameters, salt) {
    const options = costsOf(parameters);
    if (!options) throw new Error('argon2id: bad parameters');
    return hashRawSync(password, { ...options, salt });
  },
};

function costsOf(parameters: string) {
  const [memoryCost = 0, timeCost = 0, parallelism = 0, outputLen = 0] =
    PARAMETERS.exec(parameters)?.slice(1).map(Number) ?? [];
  const isBounded =
    memoryCost <= MAX_MEMORY_KIBIBYTES &&
    memoryCost * timeCost <= MAX_WORK &&
    parallelism <= MAX_LANES;
  const isPossible = timeCost >= 1 && parallelism >= 1 && memoryCost >= 8 * parallelism;
  return isBounded && isPossible ? { memoryCost, timeCost, parallelism, outputLen } : undefined;
}
