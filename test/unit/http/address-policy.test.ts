import { expect } from 'chai';
import { createAddressPolicy } from '#http/address-policy.ts';

// IANA IPv4 and IPv6 Special-Purpose Address Registries, one address of each row, and the forms of
// IPv6 that carry an IPv4 address.
const SPECIAL = [
  ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '100.64.0.1', '100.100.100.200', '127.0.0.1', '127.8.8.8'],
  ...['169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.9', '192.0.0.192', '192.0.2.1'],
  ...['192.31.196.1', '192.52.193.1', '192.88.99.1', '192.168.1.1', '192.175.48.1', '198.18.0.1'],
  ...['198.19.255.255', '198.51.100.1', '203.0.113.1', '224.0.0.1', '239.255.255.255'],
  ...['240.0.0.1', '255.255.255.255', '168.63.129.16'],
  ...['::', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:10.0.0.1', '::127.0.0.1'],
  ...['::10.0.0.1', '::ffff:0:127.0.0.1', '64:ff9b::7f00:1', '64:ff9b::10.0.0.1'],
  ...['64:ff9b:1::1', '100::1', '100:0:0:1::1', '2001::1', '2001:1::1', '2001:2::1', '2001:3::1'],
  ...['2001:4:112::1', '2001:10::1', '2001:20::1', '2001:30::1', '2001:db8::1'],
  ...['2002:7f00:1::1', '2002:a00:1::1', '2620:4f:8000::1', '3fff::1', '5f00::1', 'fc00::1'],
  ...['fd00:ec2::254', 'fe80::1', 'fe80::1%lo', 'febf::1', 'fec0::1', 'ff02::1', '4000::1'],
];
const PUBLIC = [
  ...['1.1.1.1', '11.0.0.1', '100.63.255.255', '100.128.0.1', '172.15.0.1', '172.32.0.1'],
  ...['192.167.1.1', '198.17.0.1', '223.255.255.255', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8'],
  ...['2400:3200::1', '2606:4700::1111'],
];

describe('http/address-policy', () => {
  const nothingListed = createAddressPolicy([]);

  for (const address of SPECIAL) {
    it(`refuses the special-use address ${address}`, () => {
      expect(nothingListed.verdict(address)).to.equal('refused');
    });
  }

  for (const address of PUBLIC) {
    it(`lets the public address ${address} pass`, () => {
      expect(nothingListed.verdict(address)).to.equal('public');
    });
  }

  for (const text of ['', 'localhost', '127.1', '0x7f.0.0.1', '010.0.0.1', '[::1]', '1.1.1.1/8']) {
    it(`refuses what is not an address: "${text}"`, () => {
      expect(nothingListed.verdict(text)).to.equal('refused');
    });
  }

  it('marks addresses within the operator’s networks as listed, in either family', () => {
    const policy = createAddressPolicy(['10.20.0.0/16', 'fd00:1::/48']);
    expect(policy.verdict('10.20.3.4')).to.equal('listed');
    expect(policy.verdict('fd00:1::9')).to.equal('listed');
    expect(policy.verdict('10.21.0.1')).to.equal('refused');
    expect(policy.verdict('fd00:2::9')).to.equal('refused');
  });

  it('judges an IPv4-mapped address by the listed IPv4 networks', () => {
    expect(createAddressPolicy(['10.20.0.0/16']).verdict('::ffff:10.20.0.1')).to.equal('listed');
  });

  it('lists public ranges that a government network uses as its own', () => {
    expect(createAddressPolicy(['59.192.0.0/10']).verdict('59.200.1.1')).to.equal('listed');
  });
});
