import { createCipheriv, createSecretKey, type KeyObject } from "node:crypto";

/** The two protection profiles, by their number in DTLS-SRTP. RFC 5764 section 4.1.2, RFC 7714 section 14.2. */
export const SRTP_PROFILE = { aes128CmHmacSha1Bits80: 0x0001, aeadAes128Gcm: 0x0007 } as const;

/** One of {@link SRTP_PROFILE}. */
export type SrtpProfile = (typeof SRTP_PROFILE)[keyof typeof SRTP_PROFILE];

/** The master key and salt of one direction, as DTLS exported them. */
export interface SrtpMaster {
  /** 16 bytes. */
  readonly key: Uint8Array;
  /** {@link saltBytes} of the profile. */
  readonly salt: Uint8Array;
}

/** Both masters of a transport. */
export interface SrtpKeys {
  readonly profile: SrtpProfile;
  readonly local: SrtpMaster;
  readonly remote: SrtpMaster;
}

/** Bytes of master key in either profile. */
export const MASTER_KEY_BYTES = 16;

/** Bytes of master salt. RFC 3711 section 8.2: 112 bits; RFC 7714 section 12: 96 bits. */
export function saltBytes(profile: SrtpProfile): number {
  return profile === SRTP_PROFILE.aeadAes128Gcm ? 12 : 14;
}

/** The session keys of RTP or of RTCP in one direction. */
export interface SessionKeys {
  readonly encryption: KeyObject;
  readonly authentication: KeyObject;
  /** 12 bytes (GCM) or 14 (counter mode). */
  readonly salt: Buffer;
}

/**
 * Derives session keys from a master, key derivation rate 0. RFC 3711 section 4.3; RFC 7714 section 11 pads the
 * shorter salt with zeros on the right.
 */
export function deriveSessionKeys(profile: SrtpProfile, master: SrtpMaster, stream: "rtp" | "rtcp"): SessionKeys {
  const first = stream === "rtp" ? 0 : 3;
  const derive = (label: number, lengthBytes: number) => {
    const counter = Buffer.alloc(16);
    counter.set(master.salt);
    counter[7] = (counter[7] as number) ^ label;
    return createCipheriv("aes-128-ctr", master.key, counter).update(Buffer.alloc(lengthBytes));
  };
  return {
    encryption: createSecretKey(derive(first, 16)),
    authentication: createSecretKey(derive(first + 1, 20)),
    salt: derive(first + 2, saltBytes(profile)),
  };
}
