import { type LodelineError, toLodelineError } from "@lodeline/base";
import { type Call, createClient, type LinkState, type LodelineClient } from "@lodeline/client";
import { signal } from "@preact/signals";
import { tokenFor } from "./invitation.ts";
import { notify } from "./notices.ts";
import { loadPreferences } from "./preferences.ts";

/** Whether this tab can be called, and by what name. */
export interface Reach {
  readonly link: LinkState;
  /** As the server knows this person; `undefined` before it has said so. */
  readonly identity: string | undefined;
  /** Why it can not. */
  readonly error?: LodelineError | undefined;
}

/** The present reach of this tab. */
export const reach = signal<Reach>({ link: "idle", identity: undefined });

interface Own {
  readonly client: LodelineClient;
  /** The room its token is for; `undefined`: for calls alone. */
  readonly room: string | undefined;
}

let own: Own | undefined;
let called: (call: Call) => void = (call) => call.reject("busy");

/** Who is told of calls that come in. */
export function whenCalled(listener: (call: Call) => void): void {
  called = listener;
}

/** How others read this person. */
export function ownName(): string {
  return loadPreferences().name.trim() || "Guest";
}

/**
 * The one client of this tab. Another room may need another token, and with it another client; the one before is closed.
 *
 * @param room - The room to be entered; left out, any client will do.
 */
export function ownClient(room?: string): LodelineClient {
  if (own && (room === undefined || own.room === room)) return own.client;
  const before = own?.client;
  const client = createClient({ name: ownName(), getToken: () => tokenFor(room, ownName()) });
  own = { client, room };
  client.on("link", ({ state }) => {
    if (own?.client === client) reach.value = { link: state, identity: client.identity ?? reach.value.identity };
  });
  client.on("incoming", (call) => called(call));
  client.on("error", (error) => notify(error.detail));
  void before?.close();
  return client;
}

/** Opens the link, so that calls come in. What keeps it closed is said in {@link reach}, not thrown. */
export async function beReachable(room?: string): Promise<void> {
  // A call that rings on the present client must not be lost to another one.
  const client = own && own.client.calls.size > 0 ? own.client : ownClient(room);
  try {
    await client.connect();
    reach.value = { link: client.link, identity: client.identity };
  } catch (thrown) {
    if (own?.client === client) reach.value = { ...reach.value, error: toLodelineError(thrown) };
  }
}

// A page taken out of the back-forward cache has no link any more.
addEventListener("pageshow", (event) => {
  if (event.persisted) void beReachable();
});
