export { hostAddresses } from "@lodeline/media";
export { REQUEST_DEADLINES_MS } from "./engine/deadlines.ts";
export type { Engine, EngineEvents } from "./engine/engine.ts";
export { FLOW_POLL_MS, FLOWING_WITHIN_MS } from "./engine/flow-watch.ts";
export { createLocalEngine, type LocalEngine, type LocalEngineOptions } from "./engine/local-engine.ts";
export {
  type AnsweredSection,
  type AnswerTo,
  type ConnectionState,
  type DataWish,
  ENGINE_PROTOCOL_VERSION,
  type EngineAnswers,
  type EngineEvent,
  type EngineLoad,
  type EngineRequest,
  type EngineStats,
  type ForwardedLayer,
  type ForwarderFlow,
  type ForwarderReport,
  type MediaKind,
  type PublicationFlow,
  type PublicationReport,
  type RequestKind,
} from "./engine/messages.ts";
export { nodeClock } from "./node-clock.ts";
export { createEnginePool, type EnginePool, type EnginePoolOptions } from "./pool/engine-pool.ts";
export type { EngineMaker } from "./pool/member.ts";
export { type DialMediaOptions, dialMedia } from "./socket/dial-media.ts";
export type { Greeter } from "./socket/greet.ts";
export type { MediaKey } from "./socket/link-secrets.ts";
export { type ListeningMedia, listenForServers } from "./socket/listen-for-servers.ts";
export { formatMediaAddress, type MediaAddress, parseMediaAddress } from "./socket/media-address.ts";
export { MediaService, type MediaServiceOptions } from "./socket/media-service.ts";
export { startWorker, type WorkerEngine } from "./thread/start-worker.ts";
export { defaultWorkerCount } from "./thread/worker-count.ts";
export type { WorkerOptions } from "./thread/worker-options.ts";
