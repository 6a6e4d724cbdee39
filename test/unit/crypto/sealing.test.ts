import { expect } from 'chai';
import { createEphemeralKeyRing } from '#crypto/key-ring.ts';
import { SealBroken, Sealer } from '#crypto/sealing.ts';

const cell = { table: 'identity_documents', column: 'number_sealed', rowId: 'row-1' };

describe('crypto/sealing', () => {
  const sealer = new Sealer(createEphemeralKeyRing().only('sealing'));

  it('opens what it sealed, whatever the text', () => {
    for (const text of ['', '110101199003070011', '欧阳小文', 'a.b.c', '\u0000']) {
      expect(sealer.open(sealer.seal(text, cell), cell)).to.equal(text);
    }
  });

  // ABUSE-CASES D-02; the full 10⁵ run takes under two seconds.
  it('never gives the same sealed value twice', () => {
    const seen = new Set<string>();
    for (let count = 0; count < 100_000; count += 1) seen.add(sealer.seal('same', cell));
    expect(seen.size).to.equal(100_000);
  });

  it('does not open with any single bit flipped', () => {
    const sealed = sealer.seal('110101199003070011', cell);
    const [version, kid, ...parts] = sealed.split('.');
    parts.forEach((part, index) => {
      const bytes = Buffer.from(part, 'base64url');
      for (let bit = 0; bit < bytes.length * 8; bit += 1) {
        const flipped = Buffer.from(bytes);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const changed = parts.with(index, flipped.toString('base64url'));
        const value = [version, kid, ...changed].join('.');
        expect(() => sealer.open(value, cell)).to.throw(SealBroken);
      }
    });
  });

  it('does not open in another cell', () => {
    const sealed = sealer.seal('secret', cell);
    expect(() => sealer.open(sealed, { ...cell, rowId: 'row-2' })).to.throw(SealBroken);
    expect(() => sealer.open(sealed, { ...cell, column: 'name_sealed' })).to.throw(SealBroken);
    expect(() => sealer.open(sealed, { ...cell, table: 'accounts' })).to.throw(SealBroken);
  });

  it('does not open under an unknown key id or with a shortened tag', () => {
    const other = new Sealer(createEphemeralKeyRing().only('sealing'));
    const sealed = sealer.seal('secret', cell);
    expect(() => other.open(sealed, cell)).to.throw(/is not in the key ring/);
    expect(() => sealer.open(sealed.slice(0, -6), cell)).to.throw(SealBroken);
  });
});
