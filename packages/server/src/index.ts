export type { Grant, TokenGrant } from "./auth/grant.ts";
export { createSigningKey, formatSigningKey, parseSigningKeys, type SigningKey } from "./auth/signing-key.ts";
export type { MessageFault, SilenceFault } from "./faults.ts";
export type { CloseReport, Faults, LodelineServer, ServerStatus } from "./lodeline-server.ts";
export type { Access, MediaOptions, ServerOptions } from "./server-options.ts";
