/** Parts of the engine alone: for benches, and for trying them against other implementations. */
export { DataChannels, type DataChannelsOptions } from "./data-channels.ts";
export { createDtlsCertificate, type DtlsCertificate, fingerprintOf } from "./dtls/certificate.ts";
export { DtlsLink, type DtlsLinkEvents, type DtlsRole, type RemoteFingerprint } from "./dtls/dtls-link.ts";
export type { SrtpKeys } from "./srtp/srtp-keys.ts";
