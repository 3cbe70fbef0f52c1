import { BlockList, isIP } from "node:net";

/**
 * Whether an address lies in one of the networks, compared as numbers, so that no spelling of an address matters.
 * IPv4 addresses that came over an IPv6 socket (`::ffff:10.0.0.5`) count as the IPv4 addresses they are.
 * @param cidrs networks such as `10.0.0.0/8`, already validated
 */
export function createAddressCheck(cidrs: readonly string[]): (address: string | undefined) => boolean {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [network = "", prefix = ""] = cidr.split("/");
    list.addSubnet(network, Number(prefix), isIP(network) === 6 ? "ipv6" : "ipv4");
  }
  return (address) => {
    if (address === undefined) return false;
    const plain = address.toLowerCase().startsWith(mapped) ? address.slice(mapped.length) : address;
    const family = isIP(plain);
    return family !== 0 && list.check(plain, family === 6 ? "ipv6" : "ipv4");
  };
}

const mapped = "::ffff:";
