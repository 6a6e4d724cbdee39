import { expect } from 'chai';
import {
  acrOf,
  amrOf,
  demandedLevel,
  levelOf,
  levelProvenBy,
  type Level,
} from '#sign-in/levels.ts';

const AAL = 'urn:yirentong:aal:';
const password = { amr: ['pwd'], factor: 'knowledge' } as const;
const pin = { amr: ['pin'], factor: 'knowledge' } as const;
const sms = { amr: ['sms'], factor: 'possession' } as const;
const essential = (acr: object) =>
  JSON.stringify({ id_token: { acr: { essential: true, ...acr } } });

describe('sign-in/levels', () => {
  it('turns levels into acr values and back', () => {
    for (const level of [1, 2, 3] as const) expect(levelOf(acrOf(level))).to.equal(level);
    expect(acrOf(2)).to.equal(`${AAL}2`);
    expect(() => acrOf(0)).to.throw(RangeError);
  });

  it('takes an unknown or absent acr for nothing proven', () => {
    for (const acr of [undefined, '', `${AAL}4`, `${AAL}0`, 'URN:YIRENTONG:AAL:3', '1']) {
      expect(levelOf(acr), String(acr)).to.equal(0);
    }
  });

  it('counts independent factors, not answers', () => {
    const cases: [Parameters<typeof levelProvenBy>[0], Level][] = [
      [[], 0],
      [[password], 1],
      [[password, pin], 1],
      [[password, sms], 2],
      [[password, pin, sms], 2],
    ];
    for (const [methods, level] of cases) expect(levelProvenBy(methods)).to.equal(level);
  });

  it('names the methods in amr, and `mfa` only for two factors', () => {
    expect(amrOf([password])).to.deep.equal(['pwd']);
    expect(amrOf([password, pin])).to.deep.equal(['pwd', 'pin']);
    expect(amrOf([password, sms])).to.deep.equal(['pwd', 'sms', 'mfa']);
    expect(amrOf([password, password])).to.deep.equal(['pwd']);
  });

  it('demands nothing without a minimum and an essential claim', () => {
    expect(demandedLevel(undefined, undefined)).to.equal(0);
    expect(demandedLevel(undefined, '{}')).to.equal(0);
    expect(demandedLevel(undefined, '{"id_token":null}')).to.equal(0);
    expect(demandedLevel(undefined, '{"id_token":{"acr":null}}')).to.equal(0);
    expect(demandedLevel(undefined, `{"id_token":{"acr":{"value":"${AAL}3"}}}`)).to.equal(0);
    expect(demandedLevel(undefined, essential({}))).to.equal(0);
    expect(demandedLevel(undefined, `{"userinfo":{"acr":{"essential":true}}}`)).to.equal(0);
  });

  it('demands the least of the essential values, and the client’s minimum if that is higher', () => {
    expect(demandedLevel(undefined, essential({ value: `${AAL}2` }))).to.equal(2);
    expect(demandedLevel(undefined, essential({ values: [`${AAL}3`, `${AAL}2`] }))).to.equal(2);
    expect(demandedLevel(undefined, essential({ values: ['other', `${AAL}3`] }))).to.equal(3);
    expect(demandedLevel(`${AAL}3`, essential({ value: `${AAL}2` }))).to.equal(3);
    expect(demandedLevel(`${AAL}1`, essential({ value: `${AAL}2` }))).to.equal(2);
    expect(demandedLevel(`${AAL}2`, undefined)).to.equal(2);
  });

  it('demands what cannot be met when only unknown values are acceptable', () => {
    expect(demandedLevel(undefined, essential({ value: 'other' }))).to.equal(4);
    expect(demandedLevel(undefined, essential({ values: [] }))).to.equal(4);
    expect(demandedLevel(undefined, essential({ values: [1, null] }))).to.equal(4);
  });
});
