import { expect } from 'chai';
import { addressBlock } from '#http/address-limits.ts';

describe('http/address-limits, addressBlock', () => {
  for (const spelling of [
    '192.0.2.1',
    '::ffff:192.0.2.1',
    '::FFFF:c000:201',
    '0:0:0:0:0:ffff:c000:0201',
    '0000:0000:0000:0000:0000:ffff:192.0.2.1',
    '::192.0.2.1',
    '::ffff:0:192.0.2.1',
    '64:ff9b::192.0.2.1',
    '64:ff9b::c000:201',
    '2002:c000:201::1',
    '2002:c000:201:ffff::abcd',
    '0xc0.0.2.1',
    '3221225985',
  ]) {
    it(`takes ${spelling} for 192.0.2.1`, () => {
      expect(addressBlock(spelling)).to.equal('192.0.2.1');
    });
  }

  it('counts a /64 of IPv6 as one, however it is written', () => {
    const block = '2001:db8:0:1::/64';
    expect(addressBlock('2001:db8:0:1::1')).to.equal(block);
    expect(addressBlock('2001:0DB8:0000:0001:ffff:ffff:ffff:ffff')).to.equal(block);
    expect(addressBlock('2001:db8:0:1::1%eth0')).to.equal(block);
    expect(addressBlock('2001:db8:0:2::1')).to.not.equal(block);
  });

  it('keeps neighbouring IPv4 addresses apart', () => {
    expect(addressBlock('192.0.2.2')).to.not.equal(addressBlock('192.0.2.1'));
  });

  it('does not take the loopback address for an IPv4 address', () => {
    expect(addressBlock('::1')).to.equal('::/64');
  });

  it('puts whatever is no address into one block', () => {
    for (const text of ['', 'unknown', '1.2.3.4.5', '::ffff:1.2.3.4, 5.6.7.8']) {
      expect(addressBlock(text)).to.equal('unreadable');
    }
  });
});
