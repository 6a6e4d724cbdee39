/** Every way to sign in: one line each, in the order that pages offer them. */
import type { Authenticator } from './authenticator.ts';
import { createPassword, type PasswordOptions } from './password/index.ts';

/** What the authenticators need to be made; services.ts has it. */
export interface AuthenticatorParts {
  readonly password: PasswordOptions;
}

export function createAuthenticators(parts: AuthenticatorParts): readonly Authenticator[] {
  return [createPassword(parts.password)];
}
