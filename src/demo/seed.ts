/**
 * Seeds config/demo.json: what is there already is left alone, so a second run changes nothing.
 * Refused in production by config/production.ts.
 */
import type { RealNameLevel } from '#accounts/accounts.ts';
import { PasswordHasher } from '#authenticators/password/hasher.ts';
import { parseUsername } from '#lib/account-identifier.ts';
import { foldNumber } from '#lib/fold.ts';
import { normalizePhone } from '#lib/phone-number.ts';
import { systemOrigin } from '#lib/request-origin.ts';
import { createRegistrationCheck } from '#oidc/metadata-rules.ts';
import type { Foundations, Records } from '../services.ts';
import type { Demo, DemoCitizen } from './demo-file.ts';

/** From this level on an authoritative source confirmed the number, which binds it (DESIGN §6). */
const BOUND_FROM_LEVEL = 3;

export interface Seeded {
  readonly citizens: number;
  readonly sites: number;
}

/** @returns how many were new */
export async function seedDemo(
  foundations: Foundations,
  records: Records,
  demo: Demo,
): Promise<Seeded> {
  const hasher = new PasswordHasher({
    settings: foundations.settings.password,
    pepperKeys: foundations.keys.only('pepper'),
  });
  try {
    let citizens = 0;
    for (const citizen of demo.citizens) {
      if (await seedCitizen(foundations, records, hasher, citizen)) citizens += 1;
    }
    const jwks = await records.signingKeys.published();
    const check = createRegistrationCheck(foundations.settings, jwks);
    let sites = 0;
    for (const site of demo.sites) {
      const { outcome, clientId } = await records.clients.register(site, check);
      if (outcome === 'unchanged') continue;
      await records.audit.record('client_registered', { clientId }, systemOrigin);
      sites += 1;
    }
    return { citizens, sites };
  } finally {
    await hasher.close();
  }
}

async function seedCitizen(
  { db }: Foundations,
  { accounts, documents, credentials, audit }: Records,
  hasher: PasswordHasher,
  citizen: DemoCitizen,
): Promise<boolean> {
  const phone = normalizePhone(citizen.phone);
  const username = parseUsername(citizen.username);
  if (phone === undefined || username === undefined) throw new Error('demo.json: bad citizen');
  if ((await accounts.findIdBy({ kind: 'phone', value: phone })) !== undefined) return false;
  const hash = await hasher.hash(citizen.password);
  const level = citizen.real_name_level as RealNameLevel;
  await db.transaction(async (transaction) => {
    const accountId = await accounts.create(
      {
        ...{
          username,
          phone,
          email: citizen.email,
          phoneVerified: true,
          emailVerified: true,
          channel: 'web',
        },
        realName: { level, ...(level >= BOUND_FROM_LEVEL && { method: 'demo' }) },
      },
      transaction,
    );
    await credentials.replace(accountId, hash, transaction);
    if (citizen.id_number !== null) {
      await documents.addPrimary(
        {
          ...{ accountId, type: 'resident_id', name: citizen.name },
          number: foldNumber(citizen.id_number),
          ...(level >= BOUND_FROM_LEVEL && { verified: { by: 'demo', how: 'demo' } }),
        },
        transaction,
      );
    }
    const details = { accountId, registeredBy: 'demo' };
    await audit.record('account_created', details, systemOrigin, { transaction });
  });
  return true;
}
