import { createHmac, createSecretKey } from "node:crypto";

/**
 * The pseudorandom function of TLS 1.2. RFC 5246 section 5.
 *
 * @param hash - As the cipher suite says.
 * @param label - ASCII.
 */
export function prf(
  hash: "sha256" | "sha384",
  secret: Uint8Array,
  label: string,
  seed: Uint8Array,
  lengthBytes: number,
): Buffer {
  // As a key object: Node takes bare bytes only after two brand checks that throw, which cost more than the hash.
  const key = createSecretKey(secret);
  const labelled = Buffer.concat([Buffer.from(label, "latin1"), seed]);
  const blocks: Buffer[] = [];
  let made = 0;
  let chain = labelled;
  while (made < lengthBytes) {
    chain = createHmac(hash, key).update(chain).digest();
    const block = createHmac(hash, key).update(chain).update(labelled).digest();
    blocks.push(block);
    made += block.length;
  }
  return Buffer.concat(blocks).subarray(0, lengthBytes);
}
