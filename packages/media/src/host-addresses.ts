import { networkInterfaces } from "node:os";

/**
 * Addresses for an engine whose browsers are on this machine or its network: loopback, then every IPv4 address of
 * the machine's own interfaces. Firefox never tries a loopback candidate, so without the others it cannot connect
 * even to a server on the same machine.
 */
export function hostAddresses(): string[] {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const reachable = own.filter(
    ({ internal, family, address }) => !internal && family === "IPv4" && !address.startsWith("169.254."),
  );
  return ["127.0.0.1", ...new Set(reachable.map(({ address }) => address))];
}
