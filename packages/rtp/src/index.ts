export { ArrivalRecorder, FEEDBACK_INTERVAL_MS } from "./arrival-recorder.ts";
export { BandwidthEstimator, ESTIMATOR_SETTINGS, type EstimatorSettings } from "./bandwidth/bandwidth-estimator.ts";
export {
  type Allocation,
  type AllocationRequest,
  type AllocationStep,
  allocateBitrate,
  type Pausing,
  UPGRADE_MARGIN,
} from "./bandwidth/bitrate-allocator.ts";
export { Pacer, type PacketUrgency } from "./bandwidth/pacer.ts";
export { BITRATE_METER_FIELDS, BitrateMeter } from "./bitrate-meter.ts";
export {
  DEPENDENCY_DESCRIPTOR_URI,
  DependencyDescriptor,
  type DescriptorFields,
  encodeDescriptor,
} from "./dependency/dependency-descriptor.ts";
export {
  type DecodeTarget,
  type DependencyStructure,
  type FrameDependencies,
  INDICATION,
  targetsOf,
} from "./dependency/dependency-structure.ts";
export {
  type AudioLevel,
  absoluteSendTime,
  type ExtensionPlace,
  ExtensionWriter,
  findExtension,
  readAudioLevel,
  readTextExtension,
  readTransportSequence,
} from "./header-extension.ts";
export { av1StartsKeyFrame, h264StartsKeyFrame } from "./key-frame.ts";
export {
  chooseLayer,
  type LayerChoice,
  type LayerReason,
  LayerSelector,
  type LayerState,
  type ViewSize,
} from "./layer-selector.ts";
export { NACK_SETTINGS, NackGenerator, type NackSettings } from "./nack-generator.ts";
export { OneEncoding } from "./one-encoding.ts";
export { PacketCache } from "./packet-cache.ts";
export { type PayloadCodec, PayloadInspector } from "./payload-inspector.ts";
export { type KeptPacket, PRE_ROLL_MS, PreRoll } from "./pre-roll.ts";
export { RECEPTION_FIELDS, ReceptionStatistics } from "./reception-statistics.ts";
export { ReplayWindow } from "./replay-window.ts";
export { parseRtcp, type ReportBlock, type RtcpPacket } from "./rtcp.ts";
export {
  encodeBye,
  encodeFir,
  encodeNack,
  encodePli,
  encodeReceiverReport,
  encodeRemb,
  encodeSenderReport,
  encodeSourceDescription,
  joinRtcp,
  type SenderReportFields,
} from "./rtcp-encode.ts";
export {
  isRtcp,
  RTP_HEADER_BYTES,
  RTP_PACKET_LIMIT_BYTES,
  type RtpHeaderFields,
  RtpPacket,
  writeRtpHeader,
} from "./rtp-packet.ts";
export { RTX_HEADER_BYTES, unwrapRtx, writeRtxHeader } from "./rtx.ts";
export { DecodeTargetSelector } from "./scalable/decode-target-selector.ts";
export { type LayerFrame, TARGET_LIMIT } from "./scalable/layer-frame.ts";
export { carrierOf, layerName, layersOf } from "./scalable/layer-name.ts";
export { ScalableLayers } from "./scalable/scalable-layers.ts";
export { SequenceCompactor } from "./scalable/sequence-compactor.ts";
export { TEMPORAL_LAYERS_FIELDS, TemporalLayers } from "./scalable/temporal-layers.ts";
export { TemporalThinning } from "./scalable/temporal-thinning.ts";
export { SequenceUnwrapper, sequenceDistance, timestampDistance } from "./sequence.ts";
export {
  SPEAKER_SETTINGS,
  type SpeakerChange,
  SpeakerSelector,
  type SpeakerSettings,
  type SpeakerStanding,
} from "./speaker-selector.ts";
export { REWRITER_FIELDS, StreamRewriter } from "./stream-rewriter.ts";
export {
  encodeTransportFeedback,
  FEEDBACK_CLOCK_WRAP_MS,
  FEEDBACK_PACKET_LIMIT,
  TRANSPORT_SEQUENCE_URI,
  type TransportFeedback,
} from "./transport-feedback.ts";
export { Vp8Descriptor, writePictureId } from "./vp8-descriptor.ts";
export { Vp9Descriptor } from "./vp9-descriptor.ts";
