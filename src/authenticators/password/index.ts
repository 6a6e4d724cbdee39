/**
 * Passwords: something the person knows. One line in authenticators/registry.ts makes it a way to sign in.
 *
 * An account that does not exist and one without a password get the answer, and the time, of a wrong
 * password: the same query, a decoy hash of the same cost.
 */
import { z } from 'zod';
import { AppError } from '#lib/errors.ts';
import { accepted, refused, type Authenticator } from '#authenticators/authenticator.ts';
import type { PasswordCredentials } from './credentials.ts';
import type { PasswordHasher } from './hasher.ts';

interface Answer {
  readonly password: string;
}

export interface PasswordOptions {
  readonly hasher: Pick<
    PasswordHasher,
    'hash' | 'verify' | 'verifyDecoy' | 'needsRehash' | 'isTooLong'
  >;
  readonly credentials: Pick<PasswordCredentials, 'find' | 'upgradeHash'>;
}

/** Looked up when there is no account, so that the database is asked all the same. */
const NO_ACCOUNT = '00000000-0000-0000-0000-000000000000';

/** The authenticator `password`. The form's other fields (`account`, `csrf`) are the route's. */
export function createPassword({ hasher, credentials }: PasswordOptions): Authenticator<Answer> {
  /** Moves a right password to today's parameters and pepper. */
  async function upgrade(accountId: string, oldHash: string, password: string): Promise<void> {
    try {
      await credentials.upgradeHash(accountId, oldHash, await hasher.hash(password));
    } catch (error) {
      // A busy moment is no reason to refuse a right password; the next sign-in upgrades it.
      if (!(error instanceof AppError && error.code === 'server.busy')) throw error;
    }
  }

  return {
    id: 'password',
    amr: ['pwd'],
    factor: 'knowledge',
    answer: z.object({ password: z.string().min(1) }),
    begin: () => Promise.resolve({}),

    async verify({ accountId }, { password }) {
      if (hasher.isTooLong(password)) return refused('wrong_answer');

      const credential = await credentials.find(accountId ?? NO_ACCOUNT);
      if (accountId === undefined || credential === undefined) {
        await hasher.verifyDecoy(password);
        return refused('wrong_answer');
      }

      const { passwordHash } = credential;
      if (!(await hasher.verify(passwordHash, password))) return refused('wrong_answer');
      if (hasher.needsRehash(passwordHash)) await upgrade(accountId, passwordHash, password);
      return accepted(accountId);
    },
  };
}
