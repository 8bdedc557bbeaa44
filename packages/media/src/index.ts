export { BundledTransport, type TransportEvents } from "./bundled-transport.ts";
export { ClientTransport, type PendingOffer, type TransportFailure } from "./client-transport.ts";
export {
  DATA_MESSAGE_LIMIT_BYTES,
  type DataChannel,
  type DataChannelEvents,
  type DataChannelState,
} from "./data-channel.ts";
export type { DownlinkStats } from "./downlink.ts";
export type { DtlsCertificate } from "./dtls/certificate.ts";
export type { DtlsRole, DtlsState } from "./dtls/dtls-link.ts";
export { createMediaEngine, type EngineResources, MediaEngine } from "./engine.ts";
export type { MediaEngineOptions } from "./engine-options.ts";
export { Forwarder, type ForwarderStats, type View } from "./forwarder.ts";
export { hostAddresses } from "./host-addresses.ts";
export { ICE_TIMINGS, type IceState, type IceTimings } from "./ice/ice-types.ts";
export { createLoopbackPeer, type LoopbackPeer } from "./loopback-peer.ts";
export type { PlaneOwner } from "./plane-owner.ts";
export { type LayerStats, Publication, type PublicationStats } from "./publication.ts";
export type { CandidateInit } from "./remote-candidates.ts";
export type { DataChannelInit } from "./sctp/data-channel-protocol.ts";
export { type CodecName, type SectionCodec, VIDEO_CODEC_ORDER } from "./sdp/codecs.ts";
export type { HostCandidate } from "./sdp/description.ts";
export type { Direction } from "./sdp/offer.ts";
export type { WantedSection } from "./sdp/own-offer.ts";
export type { ExtensionName, Section } from "./sdp/section.ts";
export type { SrtpMaster } from "./srtp/srtp-keys.ts";
export { MediaTransport } from "./transport.ts";
export type { ConnectionState, TransportState } from "./transport-state.ts";
export { Trunk, type TrunkKeys, type TrunkOptions } from "./trunk.ts";
export type { Carried, CarriedLayer } from "./trunk-sections.ts";
