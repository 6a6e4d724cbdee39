import { expect } from 'chai';
import { ClientMetadataInvalid, parseRegistration, usesSecret } from '#clients/client-metadata.ts';

const BASE = { client_id: 'portal', redirect_uris: ['https://portal.example/callback'] };
const parse = (more: object = {}) => parseRegistration({ ...BASE, ...more });
const problemsOf = (input: unknown): readonly string[] => {
  try {
    parseRegistration(input);
    return [];
  } catch (error) {
    if (error instanceof ClientMetadataInvalid) return error.problems;
    throw error;
  }
};

describe('clients/client-metadata', () => {
  it('fills in defaults that release nothing and ask for PKCE', () => {
    expect(parse().metadata).to.include({ government: false, require_pkce: true });
    expect(parse().metadata).to.deep.include({
      approved_scopes: [],
      optional_scopes: [],
      allowed_origins: [],
    });
  });

  it('keeps the secret apart from the metadata', () => {
    const { metadata, secret } = parse({ client_secret: '0123456789abcdef' });
    expect(secret).to.equal('0123456789abcdef');
    expect(JSON.stringify(metadata)).not.to.include('0123456789abcdef');
    expect(parse()).not.to.have.property('secret');
  });

  it('keeps standard fields as they are written', () => {
    const jwks = { keys: [{ kty: 'EC' }] };
    expect(parse({ jwks, logo_uri: 'https://a.example/l.png' }).metadata).to.deep.include({
      ...BASE,
      jwks,
      logo_uri: 'https://a.example/l.png',
    });
  });

  it('approves the claims of the scopes that the file names, no others', () => {
    const approved = (more: object) => parse(more).metadata['approved_scopes'];
    expect(approved({ scope: 'openid phone' })).to.deep.equal(['phone']);
    expect(approved({ government: true })).to.deep.equal(['profile_basic']);
    expect(approved({ government: true, scope: 'openid' })).to.deep.equal(['profile_basic']);
    expect(approved({ scope: 'openid phone', approved_scopes: [] })).to.deep.equal([]);
  });

  for (const [what, more, field] of [
    ['a client_id with a space', { client_id: 'a b' }, 'client_id'],
    ['a client_id that is not ASCII', { client_id: '门户' }, 'client_id'],
    ['a client_id of 129 characters', { client_id: 'a'.repeat(129) }, 'client_id'],
    ['a short secret', { client_secret: '0123456789abcde' }, 'client_secret'],
    ['a name of 101 characters', { client_name: '名'.repeat(101) }, 'client_name'],
    ['a name that runs backwards', { client_name: '门户\u202egnp.exe' }, 'client_name'],
    ['an invisible character in a purpose', { purpose: '办\u200b理' }, 'purpose'],
    ['an unknown approved scope', { approved_scopes: ['everything'] }, 'approved_scopes.0'],
    ['an origin with a path', { allowed_origins: ['https://a.example/x'] }, 'allowed_origins.0'],
    ['an origin that is no URL', { allowed_origins: ['*'] }, 'allowed_origins.0'],
    ['an unknown level', { min_acr: 'high' }, 'min_acr'],
    ['a department that is no text', { department: 7 }, 'department'],
    [
      'several hosts without a department',
      { redirect_uris: ['https://a.example/cb', 'https://b.example/cb'] },
      'department',
    ],
  ] as const) {
    it(`refuses ${what} and names the field`, () => {
      const problems = problemsOf({ ...BASE, ...more });
      expect(problems).to.have.length(1);
      expect(problems[0]).to.match(new RegExp(`^${field.replace('.', '\\.')}: .`));
    });
  }

  it('names every mistake at once', () => {
    const problems = problemsOf({ ...BASE, client_id: '', client_secret: 'x', government: 'yes' });
    expect(problems).to.have.length(3);
  });

  it('refuses what is no object', () => {
    for (const input of [null, undefined, 'text', 7, []]) {
      expect(problemsOf(input), JSON.stringify(input)).not.to.deep.equal([]);
    }
  });

  it('releases the ID number only signed, encrypted, on a legal ground, over PAR', () => {
    const scope = 'openid id_number';
    expect(problemsOf({ ...BASE, scope }).map((line) => line.split(':')[0])).to.deep.equal([
      'userinfo_signed_response_alg',
      'userinfo_encrypted_response_alg',
      'legal_ground',
    ]);
    const { metadata } = parse({
      scope,
      userinfo_signed_response_alg: 'ES256',
      userinfo_encrypted_response_alg: 'ECDH-ES',
      legal_ground: '《居民身份证法》',
      require_pushed_authorization_requests: false,
    });
    expect(metadata['require_pushed_authorization_requests']).to.equal(true);
  });

  it('lets a machine client do without redirect URIs', () => {
    const { metadata } = parseRegistration({
      client_id: 'machine',
      grant_types: ['client_credentials'],
    });
    expect(metadata).to.deep.include({ redirect_uris: [], response_types: [] });
  });

  it('knows which clients have a secret', () => {
    const uses = (method?: string) =>
      usesSecret({ client_id: 'a', ...(method && { token_endpoint_auth_method: method }) });
    expect([uses(), uses('client_secret_basic'), uses('client_secret_post')]).to.deep.equal([
      ...[true, true, true],
    ]);
    expect([uses('none'), uses('private_key_jwt')]).to.deep.equal([false, false]);
  });
});
