import { networkInterfaces } from "node:os";

/**
 * Addresses for an engine whose browsers are on this machine or its network: loopback, then every address of the machine's
 * own interfaces. Firefox never tries a loopback candidate, so without the others it cannot connect even to a server on the
 * same machine.
 *
 * @param options.ipv6 - Whether to include IPv6, after IPv4: `::1` and what is neither link-local nor mapped. Default false.
 */
export function hostAddresses(options: { readonly ipv6?: boolean | undefined } = {}): string[] {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const of = (family: "IPv4" | "IPv6", unusable: RegExp) =>
    own.filter((each) => !each.internal && each.family === family && !unusable.test(each.address));
  const ipv4 = of("IPv4", /^169\.254\./).map(({ address }) => address);
  const loopback6 = own.filter(({ internal, address }) => internal && address === "::1");
  const ipv6 = options.ipv6 ? [...loopback6, ...of("IPv6", /^(fe80|::ffff):/i)].map(({ address }) => address) : [];
  return [...new Set(["127.0.0.1", ...ipv4, ...ipv6])];
}
