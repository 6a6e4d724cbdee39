/** The table `audit_checkpoints`: places of the chain that were vouched for by a signature. */
import type { Knex } from 'knex';
import type { Checkpoint } from './chain-keys.ts';

interface CheckpointRow {
  seq: string;
  hash: Buffer;
  signed_at: Date;
  key_id: string;
  signature: Buffer;
}

export class Checkpoints {
  readonly #db: Knex;

  constructor(db: Knex) {
    this.#db = db;
  }

  /** @returns false when this place was signed already, by another process */
  async add({ seq, hash, signedAt, keyId, signature }: Checkpoint): Promise<boolean> {
    const inserted = await this.#db('audit_checkpoints')
      .insert({ seq, hash, signed_at: signedAt, key_id: keyId, signature })
      .onConflict('seq')
      .ignore()
      .returning('seq');
    return inserted.length === 1;
  }

  /** The place of the first one from a place on; undefined when there is none yet. */
  async firstFrom(seq: number): Promise<number | undefined> {
    const row = await this.#db<CheckpointRow>('audit_checkpoints')
      .where('seq', '>=', seq)
      .orderBy('seq')
      .first('seq');
    return row && Number(row.seq);
  }

  /** Those with `after < seq ≤ upTo`, in order. */
  async between(after: number, upTo: number): Promise<Checkpoint[]> {
    const rows = await this.#db<CheckpointRow>('audit_checkpoints')
      .where('seq', '>', after)
      .andWhere('seq', '<=', upTo)
      .orderBy('seq');
    return rows.map((row) => ({
      seq: Number(row.seq),
      hash: row.hash,
      signedAt: new Date(row.signed_at),
      keyId: row.key_id,
      signature: row.signature,
    }));
  }
}
