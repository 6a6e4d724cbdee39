/**
 * Token-signing keys: in the database, so that all servers of a cluster change together without a
 * restart; private parts sealed under a key that is only in the key files. A key is published ahead
 * of its first use and stays published while tokens signed with it live (DESIGN §9.14).
 */
import type { Knex } from 'knex';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { v7 as uuidV7 } from 'uuid';
import type { Clock } from '#lib/clock.ts';
import type { Sealer } from './sealing.ts';

/** One key per algorithm; RS256 is what OpenID Connect obliges every provider to offer. */
export const SIGNING_ALGORITHMS = ['ES256', 'RS256', 'PS256', 'EdDSA'] as const;
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

export interface RotationPlan {
  /** How long the new keys are published before they sign; 0 for the first ones or a compromise. */
  readonly publishAheadSeconds: number;
  /** How long the old keys stay published after that. */
  readonly keepSeconds: number;
}

interface Row {
  kid: string;
  alg: SigningAlgorithm;
  private_jwk_sealed: string;
  signs_from: Date;
  published_until: Date | null;
  created_at: Date;
}

const TABLE = 'signing_keys';
const RSA_BITS = 2048;

export interface SigningKeysParts {
  readonly db: Knex;
  readonly sealer: Sealer;
  readonly clock: Clock;
  /** Tells the other nodes, in the transaction of a rotation. */
  readonly announce: (transaction: Knex.Transaction) => Promise<void>;
}

export class SigningKeys {
  readonly #db: Knex;
  readonly #sealer: Sealer;
  readonly #clock: Clock;
  readonly #announce: SigningKeysParts['announce'];

  constructor(parts: SigningKeysParts) {
    this.#db = parts.db;
    this.#sealer = parts.sealer;
    this.#clock = parts.clock;
    this.#announce = parts.announce;
  }

  /**
   * Every published key with its private part: first those that sign now, one per algorithm, then
   * the coming ones, then the former ones. oidc-provider signs with the first that fits.
   *
   * @throws SealBroken when a stored key was tampered with
   */
  async published(db: Knex = this.#db): Promise<JWK[]> {
    const now = this.#clock.now();
    const rows: Row[] = await db<Row>(TABLE)
      .where((query) => {
        void query.whereNull('published_until').orWhere('published_until', '>', now);
      })
      .orderBy('signs_from', 'desc');
    const signing = SIGNING_ALGORITHMS.flatMap(
      (alg) => rows.find((row) => row.alg === alg && row.signs_from <= now) ?? [],
    );
    const others = rows.filter((row) => !signing.includes(row));
    return [...signing, ...others].map((row) => this.#open(row));
  }

  /**
   * Creates a new key of every algorithm and sets the end of the present ones.
   *
   * @param db - the transaction, when an audit row is to be written in the same one
   * @returns when the new keys begin to sign
   */
  async rotate(plan: RotationPlan, db: Knex = this.#db): Promise<Date> {
    const keys = await Promise.all(SIGNING_ALGORITHMS.map(generate));
    // After the generation, which takes seconds on a busy machine: the time ahead is for the sites.
    const now = this.#clock.now();
    return await db.transaction(async (trx) => {
      await trx.raw('SELECT pg_advisory_xact_lock(hashtext(?))', [TABLE]);
      const isFirst = (await trx<Row>(TABLE).first('kid')) === undefined;
      const signsFrom = later(now, isFirst ? 0 : plan.publishAheadSeconds);
      await endOthers(trx, now, signsFrom, plan.keepSeconds);
      await trx<Row>(TABLE).insert(
        keys.map(({ kid, alg, jwk }) => ({
          kid,
          alg,
          private_jwk_sealed: this.#sealer.seal(JSON.stringify(jwk), cell(kid)),
          signs_from: signsFrom,
          created_at: now,
        })),
      );
      await this.#announce(trx);
      return signsFrom;
    });
  }

  #open(row: Row): JWK {
    return JSON.parse(this.#sealer.open(row.private_jwk_sealed, cell(row.kid))) as JWK;
  }
}

/**
 * Nothing stays published longer than the keys that are replaced now, and keys that were to sign
 * only after the new ones never will: after a theft both would go on in the thief's hands.
 */
async function endOthers(trx: Knex, now: Date, signsFrom: Date, keepSeconds: number) {
  const end = later(signsFrom, keepSeconds);
  await trx<Row>(TABLE)
    .where((query) => {
      void query.whereNull('published_until').orWhere('published_until', '>', end);
    })
    .update({ published_until: end });
  await trx<Row>(TABLE).where('signs_from', '>', signsFrom).update({ published_until: now });
}

async function generate(alg: SigningAlgorithm) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true, modulusLength: RSA_BITS });
  const kid = uuidV7();
  return { kid, alg, jwk: { ...(await exportJWK(privateKey)), kid, alg, use: 'sig' } };
}

const cell = (kid: string) => ({ table: TABLE, column: 'private_jwk_sealed', rowId: kid });
const later = (from: Date, seconds: number) => new Date(from.getTime() + seconds * 1000);
