import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import proxyaddr from 'proxy-addr';

/** The network that counts as one address: 64 bits of IPv6, because they belong to one household. */
export function networkOf(address: string | undefined): string {
  if (!address) return 'unknown';
  if (!isIPv6(address)) return address;
  // The parser of URLs knows every spelling, and gives one; it does not take zones.
  const canonical = new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(canonical);
  if (mapped) return mapped.slice(1).flatMap(bytesOf).join('.');
  const [head = '', tail] = canonical.split('::');
  const groups = head.split(':').filter(Boolean);
  const tailGroups = tail?.split(':').filter(Boolean) ?? [];
  while (groups.length + tailGroups.length < 8) groups.push('0');
  return [...groups, ...tailGroups].slice(0, 4).join(':');
}

/** Finds the network of a request that Express does not see, past the same proxies. */
export function networkFinder(trustProxy: string | undefined): (request: IncomingMessage) => string {
  const trust = trusted(trustProxy);
  return (request) => networkOf(proxyaddr(request, trust));
}

/** The proxies that may tell the address of a client, as Express reads the setting. */
function trusted(trustProxy: string | undefined): (address: string, hop: number) => boolean {
  if (!trustProxy) return () => false;
  const hops = Number(trustProxy);
  if (Number.isInteger(hops)) return (_, hop) => hop < hops;
  return proxyaddr.compile(trustProxy.split(',').map((each) => each.trim()));
}

function bytesOf(group: string): number[] {
  const bits = Number.parseInt(group, 16);
  return [bits >> 8, bits & 255];
}
