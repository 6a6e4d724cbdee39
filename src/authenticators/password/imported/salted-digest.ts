/**
 * One digest over salt and password, as older systems store it, in SM3 (GB/T 32905), SHA-256 or
 * SHA-512:
 *
 * - `$sm3$o=sp$salt$hash`: `o=sp` for salt then password, `o=ps` for password then salt; the salt in
 *   base64, the hash in base64 or hexadecimal;
 * - `{SM3}…`, `{SSHA256}…`, `{SSHA512}…` of LDAP: base64 of the digest followed by the salt, over
 *   password then salt. The first S may be there or not.
 *
 * So fast a hash is guessed at by the billion: it is kept only under the pepper (stored-hash.ts).
 */
import { createHash } from 'node:crypto';
import { base64Bytes, isReasonable, type ForeignHash, type HashFamily } from './family.ts';

const FORM = /^\$(sm3|sha256|sha512)\$o=(sp|ps)\$([^$]+)\$([^$]+)$/;
const LDAP_FORM = /^\{S?(SM3|SHA256|SHA512)\}(.+)$/;
const PARAMETERS = /^(sm3|sha256|sha512),(sp|ps)$/;
const LENGTHS: Readonly<Record<string, number>> = { sm3: 32, sha256: 32, sha512: 64 };
const MIN_SALT_BYTES = 4;

export const saltedDigest: HashFamily = {
  id: 'digest',

  read(text) {
    return readOwn(text) ?? readLdap(text) ?? 'unknown_form';
  },

  derive(password, parameters, salt) {
    const [, digest, order] = PARAMETERS.exec(parameters) ?? [];
    if (digest === undefined) throw new Error('digest: bad parameters');
    const bytes = Buffer.from(password, 'utf8');
    const input = order === 'sp' ? [salt, bytes] : [bytes, salt];
    return createHash(digest).update(Buffer.concat(input)).digest();
  },
};

type Parts = Omit<ForeignHash, 'family'>;

function readOwn(text: string): Parts | undefined {
  const [, digest = '', order = '', saltText = '', outputText = ''] = FORM.exec(text) ?? [];
  const length = LENGTHS[digest] ?? 0;
  const isHex = outputText.length === 2 * length && /^[0-9a-fA-F]+$/.test(outputText);
  const output = isHex ? Buffer.from(outputText, 'hex') : base64Bytes(outputText);
  const salt = base64Bytes(saltText);
  if (!isReasonable(salt, MIN_SALT_BYTES) || output?.length !== length) return undefined;
  return { parameters: `${digest},${order}`, salt, output };
}

function readLdap(text: string): Parts | undefined {
  const [, name = '', encoded = ''] = LDAP_FORM.exec(text) ?? [];
  const digest = name.toLowerCase();
  const length = LENGTHS[digest];
  const bytes = base64Bytes(encoded);
  if (length === undefined || !isReasonable(bytes, length + MIN_SALT_BYTES)) return undefined;
  const [output, salt] = [bytes.subarray(0, length), bytes.subarray(length)];
  return { parameters: `${digest},ps`, salt, output };
}
