// config/demo.json is what `npm start` seeds and what other programs read (DESIGN §12).
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { z } from 'zod';
import { readCommonPasswords } from '#authenticators/password/common-passwords.ts';
import { objectionsTo } from '#authenticators/password/policy.ts';
import { parseRegistration } from '#clients/client-metadata.ts';
import { settingsSchema } from '#config/settings.ts';
import { parseAccountIdentifier } from '#lib/account-identifier.ts';
import { ageGroup } from '#lib/age-group.ts';
import { normalizePhone } from '#lib/phone-number.ts';
import { parseResidentId } from '#lib/resident-id.ts';
import { clockAt } from '../../support/clocks.ts';

const clock = clockAt('2026-08-22T12:00:00+08:00');
const citizenSchema = z.strictObject({
  name: z.string().regex(/^\p{Script=Han}{2,4}$/u),
  id_number: z.string().nullable(),
  phone: z.string().regex(/^1380013800\d$/),
  email: z.email().endsWith('@example.com'),
  username: z.string(),
  password: z.string(),
  real_name_level: z.number().int().min(1).max(5),
});
const urlOf = (origin: string) => z.url().startsWith(origin);
const english = z.string().regex(/^[\x20-\x7e]+$/);
const siteSchema = (origin: string) =>
  z.strictObject({
    client_id: z.string().startsWith('demo-'),
    client_name: z.string(),
    client_uri: urlOf(origin),
    client_secret: z.string().startsWith('demo-only-').min(32),
    token_endpoint_auth_method: z.literal('client_secret_basic'),
    department: z.string().startsWith('demo-'),
    department_name: z.string(),
    government: z.literal(true),
    grant_types: z.array(z.enum(['authorization_code', 'refresh_token'])),
    response_types: z.tuple([z.literal('code')]),
    redirect_uris: z.tuple([z.literal(`${origin}callback`)]),
    post_logout_redirect_uris: z.tuple([z.literal(origin)]),
    initiate_login_uri: z.literal(`${origin}login`),
    backchannel_logout_uri: z.literal(`${origin}backchannel-logout`),
    backchannel_logout_session_required: z.literal(true),
    id_token_signed_response_alg: z.literal('ES256'),
    scope: z.string().startsWith('openid '),
    purpose: z.string().regex(/\p{Script=Han}/u),
    legal_ground: z.string().regex(/^《.+》第.+条/u),
    'client_name#en': english,
    'department_name#en': english,
    'purpose#en': english,
    'legal_ground#en': english,
  });
const demoSchema = z.strictObject({
  citizens: z.array(citizenSchema),
  sites: z.tuple([siteSchema('http://localhost:4001/'), siteSchema('http://localhost:4002/')]),
});
const demoFile = new URL('../../../config/demo.json', import.meta.url);
const { citizens, sites } = demoSchema.parse(JSON.parse(readFileSync(demoFile, 'utf8')));

/** Parsed number of each citizen that has one. */
const numbered = citizens.flatMap(({ id_number, ...citizen }) => {
  const number = id_number === null ? undefined : parseResidentId(id_number, clock);
  return number?.ok ? [{ ...citizen, number }] : [];
});

describe('config/demo.json', () => {
  it('has only valid ID numbers, one for everyone above level 1', () => {
    for (const { id_number, real_name_level } of citizens) {
      if (id_number !== null) expect(parseResidentId(id_number, clock)).to.include({ ok: true });
      expect(id_number !== null || real_name_level === 1, 'a number for the level').to.be.true;
    }
  });

  it('has phones and user names that the account field reads as such', () => {
    for (const { phone, username } of citizens) {
      expect(parseAccountIdentifier(phone, clock)).to.deep.equal({
        kind: 'phone',
        value: normalizePhone(phone),
      });
      expect(parseAccountIdentifier(username, clock)).to.deep.equal({
        kind: 'username',
        value: username,
      });
    }
  });

  it('has passwords that the policy accepts for their persons', () => {
    const options = {
      settings: settingsSchema.parse({}).password,
      commonPasswords: readCommonPasswords(),
    };
    for (const { username, email, phone, id_number, password } of citizens) {
      const idNumber = id_number ?? undefined;
      const person = { username, email, phone: normalizePhone(phone), idNumber };
      expect(objectionsTo(password, person, options), username).to.be.empty;
    }
  });

  it('shares no number, phone, address, user name or password between two persons', () => {
    for (const field of ['id_number', 'phone', 'email', 'username', 'password'] as const) {
      const values = citizens.map((citizen) => citizen[field]).filter((value) => value !== null);
      expect(new Set(values).size, field).to.equal(values.length);
    }
  });

  it('has an adult of level 4, one of level 1, a legal representative and a minor of fifteen', () => {
    const ageOf = ({ number }: (typeof numbered)[number]) => ageGroup(number.birthDate, clock);
    const adultLevels = numbered
      .filter((citizen) => ageOf(citizen) === 'adult')
      .map(({ real_name_level }) => real_name_level);
    expect(adultLevels).to.include.members([4, 5]);
    expect(citizens.map(({ real_name_level }) => real_name_level)).to.include(1);
    const minors = numbered.filter((citizen) => ageOf(citizen) !== 'adult');
    expect(minors).to.have.length(1);
    expect(minors[0]?.number.birthDate).to.equal('2011-05-18');
  });

  it('has sites that the registration accepts', () => {
    for (const site of sites)
      expect(parseRegistration(site)).to.include({ secret: site.client_secret });
  });

  it('has two sites of two departments, one of which must ask for consent', () => {
    expect(new Set(sites.map(({ department }) => department)).size).to.equal(2);
    expect(sites.map(({ scope }) => scope)).to.deep.equal([
      'openid profile_basic offline_access',
      'openid profile_basic profile phone',
    ]);
  });
});
