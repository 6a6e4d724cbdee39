/** What this site registered at the identity server, read from the same file as the server reads. */
export interface SiteRegistration {
  clientId: string;
  clientSecret: string;
  name: string;
  department: string;
  homeUri: string;
  redirectUri: string;
  postLogoutRedirectUri: string;
  initiateLoginUri: string;
  scope: string;
  idTokenAlgorithm: string;
}

type Metadata = Record<string, unknown>;

/** @param json - `{"sites": [registration metadata, …]}`, see docs/integrating-a-site.md */
export function parseSites(json: string): SiteRegistration[] {
  const { sites } = JSON.parse(json) as { sites: Metadata[] };
  return sites.map((metadata) => {
    const redirectUri = first(metadata, 'redirect_uris');
    const at = (path: string) => new URL(path, redirectUri).href;
    return {
      clientId: text(metadata, 'client_id') ?? '',
      clientSecret: text(metadata, 'client_secret') ?? '',
      name: text(metadata, 'client_name') ?? '示例网站',
      department: text(metadata, 'department_name') ?? '',
      homeUri: text(metadata, 'client_uri') ?? at('/'),
      redirectUri,
      postLogoutRedirectUri: first(metadata, 'post_logout_redirect_uris'),
      initiateLoginUri: text(metadata, 'initiate_login_uri') ?? at('/login'),
      scope: text(metadata, 'scope') ?? 'openid',
      idTokenAlgorithm: text(metadata, 'id_token_signed_response_alg') ?? 'RS256',
    };
  });
}

function text(metadata: Metadata, name: string): string | undefined {
  const value = metadata[name];
  return typeof value === 'string' ? value : undefined;
}

function first(metadata: Metadata, name: string): string {
  const values = metadata[name];
  const value: unknown = Array.isArray(values) ? values[0] : undefined;
  if (typeof value !== 'string') throw new Error(`a site without ${name}`);
  return value;
}
