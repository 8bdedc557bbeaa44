export { defaultWorkerCount } from "@lodeline/workers";
export type { TokenGrant } from "./auth/grant.ts";
export { createSigningKey, formatSigningKey, parseSigningKeys, type SigningKey } from "./auth/signing-key.ts";
export { createTokens, type Tokens } from "./auth/tokens.ts";
export { createServer } from "./create-server.ts";
export type { CloseOptions, CloseReport, Faults, LodelineServer, ServerStatus } from "./lodeline-server.ts";
export { createLogger, type LoggerOptions, type LogLevel } from "./log.ts";
export { createMediaProcess, type MediaProcess, type MediaProcessOptions } from "./media/media-process.ts";
export type { Access, MediaOptions, ServerOptions } from "./server-options.ts";
