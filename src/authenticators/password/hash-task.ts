/** What hasher.ts, the queue and the worker threads say to each other. */

/** Argon2id (RFC 9106) over a peppered password; the lane count is always 1. */
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
    };

/** The PHC string of a `hash`, the verdict of a `verify`, or what went wrong. */
export type HashOutcome =
  | { readonly ok: true; readonly value: string | boolean }
  | { readonly ok: false; readonly message: string };
