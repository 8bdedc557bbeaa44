import { LodelineError } from "@lodeline/base";
import type { ClientOptions, LodelineClient } from "./api/client-api.ts";

/** Sets a client up. Opens nothing: the link is opened by the first `connect`, `join` or `call`. */
export function createClient(_options: ClientOptions = {}): LodelineClient {
  throw new LodelineError("server/internal", { detail: "The client is being built." });
}
