import { isIP } from "node:net";
import type { CandidateType, RemoteCandidate } from "./candidate-pair.ts";

/** foundation component transport priority address port "typ" type. RFC 8839 section 5.1. */
const CANDIDATE = /^(?:a=)?candidate:(\S{1,32}) 1 udp (\d{1,10}) (\S+) (\d{1,5}) typ (host|srflx|prflx|relay)(?: |$)/i;

/**
 * Reads a `candidate-attribute` that we can send checks to.
 *
 * @returns `undefined` for any other: of TCP, of another component, or with a name in place of an address. A browser that
 * hides its address behind a `.local` name checks us from it, and is found so.
 */
export function parseCandidate(text: string): RemoteCandidate | undefined {
  const [, foundation = "", priority, address = "", port, type = "host"] = CANDIDATE.exec(text) ?? [];
  const read = {
    foundation,
    priority: Number(priority),
    address,
    port: Number(port),
    type: type.toLowerCase() as CandidateType,
  };
  const isUsable = read.priority >= 1 && read.priority < 2 ** 31 && read.port >= 1 && read.port <= 65_535;
  return isUsable && isIP(address) !== 0 ? read : undefined;
}
