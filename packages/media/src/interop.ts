/** Parts of the engine alone: for benches, and for trying them against other implementations. */
export { DataChannels, type DataChannelsOptions } from "./data-channels.ts";
export { createDtlsCertificate, type DtlsCertificate, fingerprintOf } from "./dtls/certificate.ts";
export { DtlsLink, type DtlsLinkEvents, type DtlsRole, type RemoteFingerprint } from "./dtls/dtls-link.ts";
export type { CandidatePair, CandidateType, IceBase, PairState, RemoteCandidate } from "./ice/candidate-pair.ts";
export { FullIceAgent, type FullIceEvents } from "./ice/full-ice-agent.ts";
export type { IceRole } from "./ice/ice-role.ts";
export type { IceCredentials, IceState, IceTimings } from "./ice/ice-types.ts";
export { parseStun, type StunMessage } from "./ice/stun-message.ts";
export type { SrtpKeys } from "./srtp/srtp-keys.ts";
