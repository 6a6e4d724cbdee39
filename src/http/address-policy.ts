/**
 * Which network addresses an outbound request may reach: the public internet, and the networks that
 * the operator lists. Everything special-use (IANA special-purpose registries, RFC 6890) is refused.
 * http/egress.ts asks before it connects; registration asks through it for literal addresses.
 */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** `listed`: inside the operator's CIDRs; `public`: globally reachable; `refused`: neither. */
export type AddressVerdict = 'listed' | 'public' | 'refused';

export interface AddressPolicy {
  /** @param address - IPv4 or IPv6 in text form, without brackets; anything else is refused */
  verdict(address: string): AddressVerdict;
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Today's global unicast space; whatever IANA assigns outside it is refused until looked at. */
const GLOBAL_UNICAST_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');
/** NAT64 (RFC 6052 §2.1): in networks without IPv4 every IPv4-only site resolves to it. */
const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');
/** Azure's host agent lives on an address that no registry calls special. */
const CLOUD_HOST_AGENTS: ReadonlySet<string> = new Set(['168.63.129.16']);

/** @param allowedCidrs - networks such as `10.20.0.0/16` or `fd00:1::/48` */
export function createAddressPolicy(allowedCidrs: readonly string[]): AddressPolicy {
  const allowed = allowedCidrs.map((cidr) => ipaddr.parseCIDR(cidr));
  return {
    verdict(text) {
      if (isIP(text) === 0) return 'refused';
      // An IPv4-mapped address (::ffff:10.0.0.1) connects by IPv4, so it is judged as IPv4.
      const address = ipaddr.process(text);
      if (allowed.some((network) => contains(network, address))) return 'listed';
      return isPublic(address) ? 'public' : 'refused';
    },
  };
}

function contains([network, bits]: [Address, number], address: Address): boolean {
  return network.kind() === address.kind() && address.match(network, bits);
}

function isPublic(address: Address): boolean {
  if (address instanceof ipaddr.IPv4) {
    return address.range() === 'unicast' && !CLOUD_HOST_AGENTS.has(address.toString());
  }
  if (address.match(NAT64)) return isPublic(new ipaddr.IPv4(address.toByteArray().slice(-4)));
  return address.range() === 'unicast' && address.match(GLOBAL_UNICAST_IPV6);
}
