import type { ClientOptions, LodelineClient } from "./api/client-api.ts";
import { ClientHandle } from "./client-handle.ts";

/**
 * Sets a client up. Opens nothing: the link is opened by the first `connect`, `join` or `call`.
 *
 * @returns The client, owned by the caller, who closes it.
 * @throws TypeError for a `url` that is none.
 */
export function createClient(options: ClientOptions = {}): LodelineClient {
  return new ClientHandle(options);
}
