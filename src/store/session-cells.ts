/** What of a session is sealed, and how: used by the session store alone. */
import type { Sealer } from '#crypto/sealing.ts';
import type { RequestOrigin } from '#lib/request-origin.ts';
import type { SessionRecord, SessionSummary, SiteEntry } from './session-store.ts';

type Sites = Readonly<Record<string, SiteEntry>>;
/** client_id and sealed entry. */
export type SealedSite = readonly [string, string];

export class SessionCells {
  readonly #sealer: Sealer;

  constructor(sealer: Sealer) {
    this.#sealer = sealer;
  }

  sealPayload(uidHash: Buffer, { uid, accountId, payload }: SessionRecord): string {
    return this.#sealer.seal(
      JSON.stringify({ uid, accountId, payload }),
      cell('payload_sealed', uidHash),
    );
  }

  openPayload(uidHash: Buffer, sealed: string): Omit<SessionRecord, 'sites'> {
    const text = this.#sealer.open(sealed, cell('payload_sealed', uidHash));
    return JSON.parse(text) as Omit<SessionRecord, 'sites'>;
  }

  sealOrigin(uidHash: Buffer, { address, userAgent, channel }: RequestOrigin): string {
    return this.#sealer.seal(
      JSON.stringify({ address, userAgent, channel }),
      cell('origin_sealed', uidHash),
    );
  }

  /** @param sealed - null for a session that began where no request was known */
  openOrigin(uidHash: Buffer, sealed: string | null): SessionSummary['origin'] {
    if (sealed === null) return { address: '', userAgent: '', channel: 'web' };
    const text = this.#sealer.open(sealed, cell('origin_sealed', uidHash));
    return JSON.parse(text) as SessionSummary['origin'];
  }

  sealSite(uidHash: Buffer, clientId: string, entry: SiteEntry): string {
    return this.#sealer.seal(JSON.stringify(entry), siteCell(uidHash, clientId));
  }

  openSites(uidHash: Buffer, sealed: readonly SealedSite[]): Sites {
    const open = ([clientId, entry]: SealedSite) =>
      [clientId, this.#openSite(uidHash, clientId, entry)] as const;
    return Object.fromEntries(sealed.map(open));
  }

  #openSite(uidHash: Buffer, clientId: string, sealed: string): SiteEntry {
    return JSON.parse(this.#sealer.open(sealed, siteCell(uidHash, clientId))) as SiteEntry;
  }
}

const cell = (column: string, uidHash: Buffer) => ({
  table: 'sessions',
  column,
  rowId: uidHash.toString('hex'),
});

const siteCell = (uidHash: Buffer, clientId: string) => ({
  table: 'session_sites',
  column: 'entry_sealed',
  rowId: `${uidHash.toString('hex')}.${clientId}`,
});
