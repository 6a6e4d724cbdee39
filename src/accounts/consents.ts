/** What people allowed sites to learn; remembered over sessions, asked again when a request grows. */
import type { Knex } from 'knex';
import { v7 as uuidV7 } from 'uuid';
import type { Clock } from '#lib/clock.ts';
import type { Channel } from '#lib/request-origin.ts';
import { statement } from '#store/statement.ts';

export interface Consent {
  readonly scopes: readonly string[];
  /** Single claims asked for by the `claims` parameter (OpenID Connect Core §5.5). */
  readonly claims: readonly string[];
  /** Optional scopes that the person left unticked; not asked again until the request grows. */
  readonly rejectedScopes: readonly string[];
}

export interface ConsentDecision extends Consent {
  readonly accountId: string;
  readonly clientId: string;
  readonly textVersion: string;
  readonly channel: Channel;
}

interface Row {
  id: string;
  account_id: string;
  client_id: string;
  scopes: string[];
  claims: string[];
  rejected_scopes: string[];
  text_version: string;
  channel: Channel;
  granted_at: Date;
  withdrawn_at: Date | null;
}

const FIND = statement<
  { accountId: string; clientId: string },
  Pick<Row, 'scopes' | 'claims' | 'rejected_scopes'>
>(
  'consents.find',
  `
  SELECT scopes, claims, rejected_scopes FROM consents
  WHERE account_id = :accountId AND client_id = :clientId AND withdrawn_at IS NULL
  ORDER BY granted_at DESC, id DESC LIMIT 1`,
);

export class Consents {
  readonly #db: Knex;
  readonly #clock: Clock;

  constructor(db: Knex, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** The consent in force, undefined when there is none. */
  async find(accountId: string, clientId: string): Promise<Consent | undefined> {
    const row = await FIND.first(this.#db, { accountId, clientId });
    return row && { scopes: row.scopes, claims: row.claims, rejectedScopes: row.rejected_scopes };
  }

  /** @param alongside - what is written in the same transaction: all of it or nothing */
  async record(
    decision: ConsentDecision,
    alongside: (transaction: Knex.Transaction) => Promise<void>,
  ): Promise<void> {
    const row: Row = {
      id: uuidV7(),
      account_id: decision.accountId,
      client_id: decision.clientId,
      scopes: [...decision.scopes],
      claims: [...decision.claims],
      rejected_scopes: [...decision.rejectedScopes],
      text_version: decision.textVersion,
      channel: decision.channel,
      granted_at: this.#clock.now(),
      withdrawn_at: null,
    };
    await this.#db.transaction(async (transaction) => {
      await transaction<Row>('consents').insert(row);
      await alongside(transaction);
    });
  }

  /** Ends every consent of an account at a site; the site asks anew next time. */
  async withdraw(accountId: string, clientId: string): Promise<void> {
    await this.#db<Row>('consents')
      .where({ account_id: accountId, client_id: clientId })
      .whereNull('withdrawn_at')
      .update({ withdrawn_at: this.#clock.now() });
  }
}
