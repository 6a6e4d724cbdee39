/**
 * Relying sites. This folder owns their registration: what a file may say, versions, secrets. What
 * is live is one published version; oidc/ reads it, `npm run cli -- client register` writes it.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Knex } from 'knex';
import type { Clock } from '#lib/clock.ts';
import type { ChangeFeed } from '#store/change-feed.ts';
import { statement } from '#store/statement.ts';
import type { Versioned } from '#store/versioned-cache.ts';
import {
  ClientMetadataInvalid,
  parseRegistration,
  usesSecret,
  type ClientMetadata,
  isClientId,
} from './client-metadata.ts';
import type { ClientSecrets } from './client-secrets.ts';

/** A live client: metadata, and the hash that its secret is compared with. */
export interface PublishedClient {
  readonly metadata: ClientMetadata;
  readonly secretHash: string | undefined;
  readonly version: number;
}

export interface Registration {
  readonly outcome: 'registered' | 'changed' | 'unchanged';
  readonly clientId: string;
  readonly version: number;
  /** Only when it was generated now; it cannot be read again. */
  readonly newSecret?: string;
}

interface VersionRow {
  client_id: string;
  version: number;
  metadata: ClientMetadata;
  secret_hash: string | null;
  created_at: Date;
}

interface ClientRow {
  client_id: string;
  published_version: number;
  status: 'published' | 'disabled' | 'retired';
  revision: number;
  created_at: Date;
  updated_at: Date;
}

export interface ClientsParts {
  readonly db: Knex;
  readonly secrets: ClientSecrets;
  readonly clock: Clock;
  readonly feed: Pick<ChangeFeed, 'publish'>;
}

/** @throws ClientMetadataInvalid */
type Check = (client: PublishedClient) => void;

export class Clients {
  readonly #db: Knex;
  readonly #secrets: ClientSecrets;
  readonly #clock: Clock;
  readonly #feed: ClientsParts['feed'];

  constructor(parts: ClientsParts) {
    this.#db = parts.db;
    this.#secrets = parts.secrets;
    this.#clock = parts.clock;
    this.#feed = parts.feed;
  }

  /**
   * The published version of a client that is neither disabled nor retired, for a cache: its
   * version counts changes of the status as well.
   */
  async findPublished(clientId: string): Promise<Versioned<PublishedClient>> {
    const row = isClientId(clientId)
      ? await FIND_PUBLISHED.first(this.#db, { clientId })
      : undefined;
    const isLive = row?.status === 'published';
    return { value: isLive ? toClient(row) : undefined, version: row?.revision ?? 0 };
  }

  /** Disables a client or publishes it again; false when there is none, or it is so already. */
  async changeStatus(
    clientId: string,
    status: ClientRow['status'],
    db: Knex = this.#db,
  ): Promise<boolean> {
    return await db.transaction(async (trx) => {
      const [changed] = await trx<ClientRow>('clients')
        .where({ client_id: clientId })
        .whereNot({ status })
        .update({ status, updated_at: this.#clock.now(), revision: trx.raw('revision + 1') })
        .returning('revision');
      if (changed) await this.#announce(clientId, changed.revision, trx);
      return changed !== undefined;
    });
  }

  /**
   * Registers a client, or publishes a new version of it. Idempotent: the same file again changes
   * nothing, and a secret that the file does not name is kept.
   *
   * @param input - registration metadata; `client_secret` may be given, else one is generated
   * @param check - rejects what the protocol library does not accept, before anything is stored
   * @param db - the transaction, when an audit row is to be written in the same one
   * @throws ClientMetadataInvalid
   */
  async register(input: unknown, check: Check, db: Knex = this.#db): Promise<Registration> {
    const { metadata, secret } = parseRegistration(input);
    return await db.transaction(async (trx) => {
      const clientId = metadata.client_id;
      // Two registrations of one client_id at once: the second waits and then sees the first.
      await trx.raw('SELECT pg_advisory_xact_lock(hashtext(?))', [`client:${clientId}`]);
      const [existing] = await this.#publishedVersion(trx, clientId);
      const { secretHash, newSecret } = this.#secretFor(metadata, secret, existing);
      const version = (existing?.version ?? 0) + 1;
      if (existing && isSame(existing, metadata, secretHash)) {
        return { outcome: 'unchanged', clientId, version: existing.version };
      }
      check({ metadata, secretHash, version });
      await this.#publish(trx, { metadata, secretHash, version });
      return {
        outcome: existing ? 'changed' : 'registered',
        clientId,
        version,
        ...(newSecret !== undefined && { newSecret }),
      };
    });
  }

  #secretFor(metadata: ClientMetadata, given: string | undefined, existing?: VersionRow) {
    const kept = existing?.secret_hash ?? undefined;
    if (!usesSecret(metadata)) {
      if (given === undefined) return { secretHash: undefined };
      throw new ClientMetadataInvalid(['client_secret: this authentication method has no secret']);
    }
    if (given !== undefined) {
      const same = kept !== undefined && this.#secrets.matches(kept, given);
      return { secretHash: same ? kept : this.#secrets.hash(given) };
    }
    if (kept !== undefined) return { secretHash: kept };
    const newSecret = this.#secrets.generate();
    return { secretHash: this.#secrets.hash(newSecret), newSecret };
  }

  #publishedVersion(db: Knex, clientId: string) {
    return db<VersionRow>('client_versions')
      .select<VersionRow[]>('client_versions.*')
      .join<ClientRow>('clients', (on) =>
        on
          .on('clients.client_id', 'client_versions.client_id')
          .andOn('clients.published_version', 'client_versions.version'),
      )
      .where('clients.client_id', clientId);
  }

  async #publish(trx: Knex, { metadata, secretHash, version }: PublishedClient): Promise<void> {
    const now = this.#clock.now();
    const client = { client_id: metadata.client_id, created_at: now, updated_at: now };
    await trx<VersionRow>('client_versions').insert({
      client_id: metadata.client_id,
      version,
      metadata,
      secret_hash: secretHash ?? null,
      created_at: now,
    });
    const [row] = await trx<ClientRow>('clients')
      .insert({ ...client, published_version: version, status: 'published' })
      .onConflict('client_id')
      .merge({
        ...{ published_version: version, updated_at: now },
        revision: trx.raw('clients.revision + 1') as unknown as number,
      })
      .returning('revision');
    if (row) await this.#announce(metadata.client_id, row.revision, trx);
  }

  async #announce(clientId: string, revision: number, trx: Knex): Promise<void> {
    await this.#feed.publish([{ kind: 'client', key: clientId, version: revision }], trx);
  }
}

const FIND_PUBLISHED = statement<
  { clientId: string },
  VersionRow & Pick<ClientRow, 'status' | 'revision'>
>(
  'clients.find_published',
  `SELECT v.client_id, v.version, v.metadata, v.secret_hash, v.created_at, c.status, c.revision
   FROM clients c JOIN client_versions v
     ON v.client_id = c.client_id AND v.version = c.published_version
   WHERE c.client_id = :clientId`,
);

const isSame = (row: VersionRow, metadata: ClientMetadata, secretHash: string | undefined) =>
  isDeepStrictEqual(row.metadata, JSON.parse(JSON.stringify(metadata))) &&
  (row.secret_hash ?? undefined) === secretHash;

const toClient = (
  row: Pick<VersionRow, 'metadata' | 'secret_hash' | 'version'>,
): PublishedClient => ({
  metadata: row.metadata,
  secretHash: row.secret_hash ?? undefined,
  version: row.version,
});
