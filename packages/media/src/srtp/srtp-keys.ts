import { createCipheriv, createSecretKey, type KeyObject } from "node:crypto";

/** The protection profiles, by their number in DTLS-SRTP. RFC 5764 section 4.1.2, RFC 7714 section 14.2. */
export const SRTP_PROFILE = { aes128CmHmacSha1Bits80: 0x0001, aeadAes128Gcm: 0x0007, aeadAes256Gcm: 0x0008 } as const;

/** One of {@link SRTP_PROFILE}. */
export type SrtpProfile = (typeof SRTP_PROFILE)[keyof typeof SRTP_PROFILE];

/** The master key and salt of one direction, as DTLS exported them. */
export interface SrtpMaster {
  /** {@link masterKeyBytes} of the profile. */
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

/** Whether a profile is AES-GCM; the other is counter mode with HMAC-SHA1. */
export function isGcm(profile: SrtpProfile): boolean {
  return profile !== SRTP_PROFILE.aes128CmHmacSha1Bits80;
}

/** Bytes of master key. RFC 3711 section 8.2, RFC 7714 section 12. */
export function masterKeyBytes(profile: SrtpProfile): number {
  return profile === SRTP_PROFILE.aeadAes256Gcm ? 32 : 16;
}

/** Bytes of master salt. RFC 3711 section 8.2: 112 bits; RFC 7714 section 12: 96 bits. */
export function saltBytes(profile: SrtpProfile): number {
  return isGcm(profile) ? 12 : 14;
}

/** The session keys of RTP or of RTCP in one direction. */
export interface SessionKeys {
  readonly encryption: KeyObject;
  /** The cipher's name under GCM. */
  readonly gcm: "aes-128-gcm" | "aes-256-gcm";
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
  const keyBytes = masterKeyBytes(profile);
  const masterKey = createSecretKey(master.key);
  const derive = (label: number, lengthBytes: number) => {
    const counter = Buffer.alloc(16);
    counter.set(master.salt);
    counter[7] = (counter[7] as number) ^ label;
    // RFC 6188 section 3: derived in counter mode with a key of the master's size.
    return createCipheriv(keyBytes === 32 ? "aes-256-ctr" : "aes-128-ctr", masterKey, counter).update(
      Buffer.alloc(lengthBytes),
    );
  };
  return {
    encryption: createSecretKey(derive(first, keyBytes)),
    gcm: keyBytes === 32 ? "aes-256-gcm" : "aes-128-gcm",
    authentication: createSecretKey(derive(first + 1, 20)),
    salt: derive(first + 2, saltBytes(profile)),
  };
}

/**
 * Cuts exported keying material into both masters: client key, server key, client salt, server salt. RFC 5764 section 4.2.
 *
 * @param role - Ours in the DTLS handshake.
 * @param exported - Gives so many bytes of keying material.
 */
export function srtpKeysFrom(
  profile: SrtpProfile,
  role: "client" | "server",
  exported: (lengthBytes: number) => Uint8Array,
): SrtpKeys {
  const keyBytes = masterKeyBytes(profile);
  const salt = saltBytes(profile);
  const bytes = exported(2 * (keyBytes + salt));
  const client = { key: bytes.slice(0, keyBytes), salt: bytes.slice(2 * keyBytes, 2 * keyBytes + salt) };
  const server = { key: bytes.slice(keyBytes, 2 * keyBytes), salt: bytes.slice(2 * keyBytes + salt) };
  return role === "client" ? { profile, local: client, remote: server } : { profile, local: server, remote: client };
}
