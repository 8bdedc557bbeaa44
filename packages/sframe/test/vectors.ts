/** Test vectors of RFC 9605, appendix C. Numbers and bytes in hex. */

/** C.1: `[kid, ctr, header]`. */
export const HEADERS: readonly (readonly [string, string, string])[] = [
  ["0", "0", "00"],
  ["0", "1", "01"],
  ["0", "ff", "08ff"],
  ["0", "100", "090100"],
  ["0", "ffff", "09ffff"],
  ["0", "10000", "0a010000"],
  ["0", "ffffff", "0affffff"],
  ["0", "1000000", "0b01000000"],
  ["0", "ffffffff", "0bffffffff"],
  ["0", "100000000", "0c0100000000"],
  ["0", "10000000000", "0d010000000000"],
  ["0", "1000000000000", "0e01000000000000"],
  ["0", "ffffffffffffff", "0effffffffffffff"],
  ["0", "100000000000000", "0f0100000000000000"],
  ["0", "ffffffffffffffff", "0fffffffffffffffff"],
  ["1", "0", "10"],
  ["1", "ff", "18ff"],
  ["1", "ffffffffffffffff", "1fffffffffffffffff"],
  ["ff", "0", "80ff"],
  ["ff", "1", "81ff"],
  ["ff", "100", "89ff0100"],
  ["100", "0", "900100"],
  ["100", "ff", "980100ff"],
  ["ffff", "ffffff", "9affffffffff"],
  ["10000", "0", "a0010000"],
  ["ffffff", "1000000", "abffffff01000000"],
  ["1000000", "ffff", "b901000000ffff"],
  ["ffffffff", "1", "b1ffffffff"],
  ["100000000", "100000000", "cc01000000000100000000"],
  ["ffffffffff", "ff", "c8ffffffffffff"],
  ["10000000000", "10000", "da010000000000010000"],
  ["ffffffffffff", "0", "d0ffffffffffff"],
  ["1000000000000", "1", "e101000000000000"],
  ["ffffffffffffff", "ffffffffffffffff", "efffffffffffffffffffffffffffffff"],
  ["100000000000000", "0", "f00100000000000000"],
  ["100000000000000", "100000000000000", "ff01000000000000000100000000000000"],
  ["ffffffffffffffff", "0", "f0ffffffffffffffff"],
  ["ffffffffffffffff", "ffffffffffffffff", "ffffffffffffffffffffffffffffffffff"],
];

const CTR_KEY = `000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f`;

/** C.2: the compound AEAD alone; key, nonce, additional data and plaintext are the same for each. */
export const AEADS = {
  key: CTR_KEY,
  nonce: "101112131415161718191a1b",
  aad: "4945544620534672616d65205747",
  plaintext: "64726166742d696574662d736672616d652d656e63",
  ciphertexts: {
    AES_128_CTR_HMAC_SHA256_80: "6339af04ada1d064688a442b8dc69d5b6bfa40f4bef0583e8081069cc60705",
    AES_128_CTR_HMAC_SHA256_64: "6339af04ada1d064688a442b8dc69d5b6bfa40f4be6e93b7da076927bb",
    AES_128_CTR_HMAC_SHA256_32: "6339af04ada1d064688a442b8dc69d5b6bfa40f4be09480509",
  },
} as const;

/** C.3: whole frames; everything but the suite is the same for each. */
export const FRAMES = {
  kid: 0x123n,
  ctr: 0x4567n,
  baseKey: "000102030405060708090a0b0c0d0e0f",
  metadata: "4945544620534672616d65205747",
  plaintext: "64726166742d696574662d736672616d652d656e63",
  ciphertexts: {
    AES_128_CTR_HMAC_SHA256_80: "9901234567449408b6f490086165b9d6f62b24ae1a59a56486b4ae8ed036b88912e24f11",
    AES_128_CTR_HMAC_SHA256_64: "99012345673f31438db4d09434e43afa0f8a2f00867a2be085046a9f5cb4f101d607",
    AES_128_CTR_HMAC_SHA256_32: "990123456717fc8af28a5a695afcfc6c8df6358a17e26b2fcb3bae32e443",
    AES_128_GCM_SHA256_128: "9901234567b7412c2513a1b66dbb48841bbaf17f598751176ad847681a69c6d0b091c07018ce4adb34eb",
    AES_256_GCM_SHA512_128: "990123456794f509d36e9beacb0e261d99c7d1e972f1fed787d4049f17ca21353c1cc24d56ceabced279",
  },
} as const;

/** Bytes of a hex text. */
export function bytes(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (two) => Number.parseInt(two, 16));
}

/** Hex text of bytes. */
export function hex(of: Uint8Array): string {
  return Array.from(of, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
