/**
 * What a relying site's registration may say beyond OpenID Connect Dynamic Registration: our own
 * fields, their defaults and the rules over both. oidc-provider checks the standard fields.
 */
import { z } from 'zod';

/** Scopes whose claims are released only to a client that is approved for them (DESIGN §7). */
export const CLAIM_SCOPES = [
  ...['profile_basic', 'profile', 'email', 'phone', 'address', 'id_number'],
] as const;

/** Every scope a client may ask for. */
export const SCOPES = ['openid', 'offline_access', ...CLAIM_SCOPES] as const;

/** What a client may ask for when its registration names no scope: nothing personal is released. */
export const DEFAULT_SCOPE = 'openid profile_basic profile email phone address offline_access';

const text = (max: number) => z.string().trim().min(1).max(max);
const origin = z
  .url({ protocol: /^https?$/, abort: true })
  .refine((value) => new URL(value).origin === value, 'must be an origin such as https://a.gov.cn');

const onwardOrigin = z
  .string()
  .refine(
    (value) => origin.safeParse(value.replace('://*.', '://')).success,
    'must be an origin such as https://a.gov.cn or https://*.a.gov.cn',
  );

/** Our fields of the registration metadata; names are verbatim in the file and on the client. */
export const extraMetadataSchema = z.object({
  /** Code of the department that answers for the site: the sector of its pairwise subjects. */
  department: text(64).optional(),
  department_name: text(100).optional(),
  /** The same in English; the tag is that of OpenID Connect Dynamic Registration §2.1. */
  'client_name#en': text(100).optional(),
  'department_name#en': text(100).optional(),
  'purpose#en': text(200).optional(),
  'legal_ground#en': text(200).optional(),
  /** Run by a government body: `profile_basic` is released without a consent page. */
  government: z.boolean().default(false),
  /** Why the site asks, one sentence for the consent page. */
  purpose: text(200).optional(),
  /** The legal ground of the approval, shown on the consent page. */
  legal_ground: text(200).optional(),
  /** Scopes whose claims were approved; when absent, those of `scope`. */
  approved_scopes: z.array(z.enum(CLAIM_SCOPES)).optional(),
  /** Scopes that the person may leave out. */
  optional_scopes: z.array(z.enum(CLAIM_SCOPES)).default([]),
  /** false only by approval: a confidential client that always sends a nonce. */
  require_pkce: z.boolean().default(true),
  /** Origins of browser code that may call the token and userinfo endpoints (CORS). */
  allowed_origins: z.array(origin).default([]),
  /**
   * Origins where the site's callback sends people on to, `https://*.a.gov.cn` for all hosts below:
   * browsers refuse the others after a form (oidc/form-targets.ts).
   */
  onward_origins: z.array(onwardOrigin).default([]),
  /** Resource identifiers this client serves: it may introspect tokens meant for them. */
  resource_identifiers: z.array(z.url()).default([]),
  /** APIs that the client may ask access tokens for (RFC 8707). */
  allowed_resources: z.array(z.url()).default([]),
  /** Least acr of every sign-in, e.g. `urn:yirentong:aal:2`. */
  min_acr: z
    .string()
    .regex(/^urn:yirentong:aal:[123]$/, 'must be urn:yirentong:aal:1, 2 or 3')
    .optional(),
});

export type ExtraMetadata = z.output<typeof extraMetadataSchema>;
export const extraMetadataNames = Object.keys(extraMetadataSchema.shape) as (keyof ExtraMetadata)[];

/** Registration metadata as it is stored: standard fields and ours, never a secret. */
export type ClientMetadata = Readonly<Record<string, unknown>> & { readonly client_id: string };

/** The registration cannot be accepted; each line names the field and what to write. */
export class ClientMetadataInvalid extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ClientMetadataInvalid';
    this.problems = problems;
  }
}

const CLIENT_ID = /^[\x21-\x7e]{1,128}$/;

/** Whether a registration could have this id; the database refuses to look for some others. */
export const isClientId = (value: string): boolean => CLIENT_ID.test(value);

const SECRET_METHODS: readonly unknown[] = ['client_secret_basic', 'client_secret_post'];
const MIN_SECRET_LENGTH = 16;
const clientSecret = z
  .string()
  .min(MIN_SECRET_LENGTH)
  .max(256)
  .regex(/^[\x20-\x7e]+$/, 'printable ASCII (RFC 6749 Appendix A.2)');

/** Whether a client authenticates with a secret (the default method does, RFC 7591 §2). */
export const usesSecret = (metadata: ClientMetadata): boolean =>
  SECRET_METHODS.includes(metadata['token_endpoint_auth_method'] ?? 'client_secret_basic');

/**
 * Checks one registration and fills in our defaults.
 *
 * @param input - OpenID registration metadata with our fields; may carry `client_secret`
 * @returns the metadata to store and the secret apart from it
 * @throws ClientMetadataInvalid
 */
export function parseRegistration(input: unknown): { metadata: ClientMetadata; secret?: string } {
  const shape = z.looseObject({
    client_id: z.string().refine(isClientId, 'printable ASCII, at most 128 characters'),
    client_secret: clientSecret.optional(),
    client_name: z.string().max(100).optional(),
    scope: z.string().default(DEFAULT_SCOPE),
    // Error pages link to it; the library sees it only where it is https (client-directory.ts).
    initiate_login_uri: z.url({ protocol: /^https?$/ }).optional(),
    ...extraMetadataSchema.shape,
  });
  const parsed = shape.safeParse(input);
  if (!parsed.success) {
    throw new ClientMetadataInvalid(
      parsed.error.issues.map((issue) => `${issue.path.join('.') || 'file'}: ${issue.message}`),
    );
  }
  const { client_secret: secret, ...metadata } = parsed.data;
  // An operator who writes a scope into the file approves its claims; the default scope does not.
  const named = (input as { scope?: unknown }).scope === undefined ? [] : metadata.scope.split(' ');
  metadata.approved_scopes ??= CLAIM_SCOPES.filter(
    (scope) => named.includes(scope) || (scope === 'profile_basic' && metadata.government),
  );
  withoutAuthorizationCode(metadata);
  const problems = [
    ...textProblems(metadata),
    ...addressProblems(metadata),
    ...sectorProblems(metadata),
    ...idNumberProblems(metadata),
  ];
  if (problems.length > 0) throw new ClientMetadataInvalid(problems);
  return { metadata, ...(secret !== undefined && { secret }) };
}

// Bidirectional overrides and zero-width characters make one name look like another (I-10).
const DECEPTIVE = /[\p{Cc}\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u;

function textProblems(metadata: Readonly<Record<string, unknown>>): string[] {
  return ['client_name', 'department', 'department_name', 'purpose', 'legal_ground']
    .flatMap((name) => [name, `${name}#en`])
    .filter((name) => typeof metadata[name] === 'string' && DECEPTIVE.test(metadata[name]))
    .map((name) => `${name}: contains invisible or direction-changing characters`);
}

// A host of letters, digits, dots and dashes (or an IP literal), no user info, printable ASCII.
const WEB_ADDRESS =
  /^https?:\/\/(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?(?:[/?][\x21-\x7e]*)?$/i;
const APP_ADDRESS = /^(?!https?:)[a-z][a-z0-9+.-]*:[\x21-\x7e]*$/i;

/**
 * Addresses that people are sent to are compared as text, and their origins stand in a page's policy:
 * `*`, `;` or quotes in a host name, which URLs allow, would open or end that policy.
 */
function addressProblems(metadata: Readonly<Record<string, unknown>>): string[] {
  const isPlain = (uri: string) => WEB_ADDRESS.test(uri) || APP_ADDRESS.test(uri);
  return ['redirect_uris', 'post_logout_redirect_uris'].flatMap((name) =>
    [metadata[name]]
      .flat()
      .filter((uri) => typeof uri === 'string')
      .filter((uri) => !isPlain(uri))
      .map((uri) => `${name}: "${uri}" must be ASCII (xn--…) without user name or wildcard`),
  );
}

/** A machine client (client credentials only) has nowhere to send a person back to. */
function withoutAuthorizationCode(metadata: Record<string, unknown>): void {
  const grants = metadata['grant_types'];
  if (!Array.isArray(grants) || grants.includes('authorization_code')) return;
  metadata['response_types'] ??= [];
  metadata['redirect_uris'] ??= [];
}

/** Without a department the redirect host is the sector of the subjects: there must be one. */
function sectorProblems(metadata: Readonly<Record<string, unknown>>): string[] {
  const uris = Array.isArray(metadata['redirect_uris']) ? metadata['redirect_uris'] : [];
  const hosts = new Set(uris.map((uri) => URL.parse(String(uri))?.host));
  return metadata['department'] === undefined && hosts.size > 1
    ? ['department: required, because the redirect_uris have several hosts']
    : [];
}

/** The ID number leaves only signed, encrypted to the client, asked for over PAR (DESIGN §7). */
function idNumberProblems(metadata: Record<string, unknown>): string[] {
  if (!String(metadata['scope']).split(' ').includes('id_number')) return [];
  metadata['require_pushed_authorization_requests'] = true;
  const needed = ['userinfo_signed_response_alg', 'userinfo_encrypted_response_alg'];
  const problems = needed
    .filter((name) => typeof metadata[name] !== 'string')
    .map((name) => `${name}: required, because the scope has id_number`);
  if (metadata['legal_ground'] === undefined) {
    problems.push('legal_ground: required, because the scope has id_number');
  }
  return problems;
}
