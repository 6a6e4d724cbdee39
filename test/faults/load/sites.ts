/** What the sites of the load do with the server, one request each, and what they make of the answer. */
import { postAsSite, redeem, userinfo, type SiteRequest } from '../../support/person.ts';
import type { TokenAnswer } from '../../support/person.ts';
import { ISSUER } from '../cluster/cluster.ts';
import type { Service, SiteName } from '../cluster/service.ts';
import type { SingleUse, Visit } from './journal.ts';
import type { Fetch, Wire } from './wire.ts';

export class Sites {
  readonly #sites: Service['sites'];
  readonly #fetches: Readonly<Record<SiteName, Fetch>>;

  constructor({ sites }: Service, wire: Wire) {
    this.#sites = sites;
    this.#fetches = {
      ...{ portal: wire.open(), fund: wire.open(), trial: wire.open(), machine: wire.open() },
    };
  }

  named(name: SiteName) {
    return this.#sites[name];
  }

  /** Uses a code or a refresh token. */
  async use(one: SingleUse): Promise<TokenAnswer> {
    const { site, value } = one;
    if (one.kind === 'code') {
      return await redeem(this.#reach(site), this.#sites[site], one.request, value);
    }
    const fields = { grant_type: 'refresh_token', refresh_token: value };
    return await postAsSite(this.#reach(site), this.#sites[site], '/token', fields);
  }

  async isActive(site: SiteName, token: string): Promise<boolean> {
    const path = '/token/introspection';
    const { body } = await postAsSite(this.#reach(site), this.#sites[site], path, { token });
    return body['active'] === true;
  }

  async readsUserinfo(site: SiteName, token: string): Promise<boolean> {
    return (await userinfo(this.#reach(site), token)).status === 200;
  }

  async revoke(site: SiteName, token: string): Promise<boolean> {
    const path = '/token/revocation';
    const { status } = await postAsSite(this.#reach(site), this.#sites[site], path, { token });
    return status === 200;
  }

  async machineToken(): Promise<boolean> {
    const fields = { grant_type: 'client_credentials' };
    const { machine } = this.#sites;
    return (await postAsSite(this.#reach('machine'), machine, '/token', fields)).status === 200;
  }

  async isPublished(path: string): Promise<boolean> {
    return (await this.#fetches.machine(`${ISSUER}${path}`)).status === 200;
  }

  #reach(site: SiteName) {
    return { issuer: ISSUER, fetch: this.#fetches[site] };
  }
}

/** @returns undefined for a refusal */
export function visitOf(site: SiteName, { status, body }: TokenAnswer): Visit | undefined {
  if (status !== 200) return undefined;
  const { access_token: access = '', id_token: idToken = '', refresh_token: refresh } = body;
  return { site, access, idToken, refresh };
}

export type { SiteRequest };
