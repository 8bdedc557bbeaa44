export {
  type AudioLevel,
  absoluteSendTime,
  type ExtensionPlace,
  ExtensionWriter,
  findExtension,
  readAudioLevel,
  readTextExtension,
} from "./header-extension.ts";
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
export { SequenceUnwrapper, sequenceDistance, timestampDistance } from "./sequence.ts";
