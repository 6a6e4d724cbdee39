/** What hasher.ts, the queue and the worker threads say to each other. */

/** Argon2id (RFC 9106) over a peppered password, one lane; or another system's hash, once more. */
export type HashTask =
  | {
      readonly kind: 'hash';
      readonly peppered: string;
      readonly memoryKibibytes: number;
      readonly passes: number;
    }
  | {
      readonly kind: 'verify';
      readonly peppered: string;
      /** PHC string `$argon2id$v=19$m=…,t=…,p=…$salt$hash`. */
      readonly encoded: string;
    }
  | {
      readonly kind: 'derive';
      readonly password: string;
      readonly family: string;
      readonly parameters: string;
      /** Base64. */
      readonly salt: string;
    };

/** PHC string of a `hash`, verdict of a `verify`, base64 of a `derive`; or what went wrong. */
export type HashOutcome =
  | { readonly ok: true; readonly value: string | boolean }
  | { readonly ok: false; readonly message: string };
