import { type LodelineError, toLodelineError } from "@lodeline/base";
import type { Call, LodelineClient, Room, TeardownReceipt } from "@lodeline/client";
import { SERVER_PEER_IDENTITY } from "@lodeline/protocol";
import { signal } from "@preact/signals";
import { notify } from "./notices.ts";
import { beReachable, ownClient } from "./own-client.ts";
import { tellVerdicts } from "./own-verdicts.ts";
import { passphraseOf } from "./passphrase.ts";
import { type Preferences, setInside } from "./preferences.ts";
import { pulse } from "./pulse.ts";
import { watchTrouble } from "./trouble.ts";

/** Where the person is with one room. */
export type Stay =
  | { readonly kind: "outside"; readonly error?: LodelineError | undefined }
  | { readonly kind: "entering" }
  | { readonly kind: "inside"; readonly room: Room; readonly client: LodelineClient }
  | { readonly kind: "left"; readonly receipt: TeardownReceipt; readonly error?: LodelineError | undefined };

/** The present stay. */
export const stay = signal<Stay>({ kind: "outside" });

/** The call with the server peer, while there is one. */
export const serverCall = signal<Call | undefined>(undefined);

/** What the room was entered with, to come back the same. */
let entered: Parameters<typeof enter> | undefined;

/** Enters a room with what the person chose at its door. */
export async function enter(room: string, wish: Preferences, topology: "sfu" | "mesh"): Promise<void> {
  stay.value = { kind: "entering" };
  entered = [room, wish, topology];
  const passphrase = passphraseOf(room);
  const client = ownClient(room);
  try {
    const joined = await client.join({
      room,
      name: wish.name,
      topology,
      microphone: wish.microphone && { deviceId: wish.microphoneId },
      camera: wish.camera && { deviceId: wish.cameraId },
      encryption: passphrase === "" ? undefined : { passphrase },
    });
    follow(joined, room);
    setInside(room, true);
    stay.value = { kind: "inside", room: joined, client };
    // A handle for the browser's console: whoever helps a person can read what the page knows.
    Object.assign(globalThis, { lodeline: { room: joined, client } });
  } catch (thrown) {
    setInside(room, false);
    stay.value = { kind: "outside", error: toLodelineError(thrown) };
  }
}

/** Leaves and comes back with the passphrase that this tab has by now: whether one encrypts is said when coming in. */
export async function reenter(): Promise<void> {
  if (!entered) return;
  const again = entered;
  await leave();
  await enter(...again);
}

/** Leaves the room and the call with the server peer; the receipt is shown. The tab can still be called. */
export async function leave(): Promise<void> {
  if (stay.value.kind !== "inside") return;
  const { room } = stay.value;
  await Promise.all([room.leave(), serverCall.value?.hangup()]);
}

/** Calls the peer that lives on the server, or hangs up. Works from inside a room and from its door. */
export async function toggleServerCall(client: LodelineClient, video: boolean): Promise<void> {
  if (serverCall.value) {
    await serverCall.value.hangup();
    return;
  }
  try {
    const call = await client.call(SERVER_PEER_IDENTITY, { audio: true, video });
    call.on("changed", pulse);
    call.on("ended", ({ reason }) => {
      serverCall.value = undefined;
      if (reason !== "hangup" && reason !== "left") notify(`The call with the server peer ended: ${reason}.`);
    });
    serverCall.value = call;
  } catch (thrown) {
    notify(toLodelineError(thrown).detail);
  }
}

function follow(room: Room, name: string): void {
  let removedBecause: LodelineError | undefined;
  room.on("changed", pulse);
  tellVerdicts(room);
  watchTrouble(room);
  room.on("participant-joined", ({ participant }) => notify(`${participant.name || "Someone"} joined`));
  room.on("participant-left", ({ participant, reason }) =>
    notify(`${participant.name || "Someone"} ${reason === "lease-expired" ? "lost the connection" : "left"}`),
  );
  room.on("device", ({ problem }) => {
    if (problem) notify(`${problem.title} ${problem.advice}`);
  });
  room.on("removed", ({ error }) => {
    removedBecause = error;
  });
  room.on("ended", ({ receipt }) => {
    setInside(name, false);
    stay.value = { kind: "left", receipt, error: removedBecause };
    void beReachable();
  });
}
