/** What of a protocol record is kept, and how it is sealed in a table: used by the record stores. */
import type { Sealer } from '#crypto/sealing.ts';
import type { RecordTable } from './model-placement.ts';
import { toUnix } from './moments.ts';
import type { RecordRow } from './record-sql.ts';
import type { FoundRecord, Payload } from './record-store.ts';

/**
 * The payload as text without `consumed`, which is kept beside it, and without its `jti` when that
 * is the handle (`true` stands for it). A record that is also found by user code keeps its handle:
 * whoever finds it so must be able to save it again.
 */
export function packPayload(handle: string, payload: Payload): string {
  const kept = { ...payload, consumed: undefined };
  const isFoundOtherwise = 'userCode' in payload;
  return JSON.stringify(
    payload['jti'] === handle && !isFoundOtherwise ? { ...kept, jti: true } : kept,
  );
}

/** @param handle - undefined when the record was found by another name */
export function unpackPayload(text: string, handle?: string): Payload {
  const payload = JSON.parse(text) as Payload;
  return payload['jti'] === true && handle !== undefined ? { ...payload, jti: handle } : payload;
}

type OwnColumns = Pick<RecordRow, 'payload_sealed' | 'consumed_at'>;

export class RecordCells {
  readonly #sealer: Sealer;

  constructor(sealer: Sealer) {
    this.#sealer = sealer;
  }

  seal(table: RecordTable, handleHash: Buffer, packed: string): string {
    return this.#sealer.seal(packed, cellOf(table, handleHash));
  }

  open(table: RecordTable, handleHash: Buffer, sealed: string, handle?: string): Payload {
    return unpackPayload(this.#sealer.open(sealed, cellOf(table, handleHash)), handle);
  }

  /** A row, with its Grant when the statement brought it. */
  openRow(
    table: RecordTable,
    handleHash: Buffer,
    row: OwnColumns & Partial<RecordRow>,
    handle?: string,
  ): FoundRecord {
    const { grant_hash, grant_sealed, consumed_at } = row;
    const payload = this.open(table, handleHash, row.payload_sealed, handle);
    const grantId = payload['grantId'];
    return {
      payload: { ...payload, ...(consumed_at && { consumed: toUnix(consumed_at) }) },
      ...(grant_hash &&
        typeof grant_sealed === 'string' &&
        typeof grantId === 'string' && {
          grant: this.open('grants', grant_hash, grant_sealed, grantId),
        }),
    };
  }
}

const cellOf = (table: RecordTable, handleHash: Buffer) => ({
  table,
  column: 'payload_sealed',
  rowId: handleHash.toString('hex'),
});
