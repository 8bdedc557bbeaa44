import type { RemoteParticipant, Room } from "@lodeline/client";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { notify } from "../state/notices.ts";
import { encryptionOf, keepPassphrase } from "../state/passphrase.ts";
import { usePulse } from "../state/pulse.ts";
import { reenter } from "../state/stay.ts";
import { Icon } from "./icon.tsx";

/** Whether a room is encrypted, beside its name. */
export function EncryptedBadge({ room }: { room: Room }): JSX.Element | null {
  usePulse();
  const state = encryptionOf(room);
  if (!room.encryption) return null;
  const partly = state === "partly";
  return (
    <span
      class={`encrypted ${partly ? "partly" : ""}`}
      data-encryption={state}
      title={
        partly
          ? "Somebody here sends without it: the server could read that. Their tiles have no lock."
          : "Readable only for those who know the passphrase; the server passes on what it cannot read"
      }
    >
      <Icon name="lock" /> <span class="wide-only">{partly ? "Not everybody encrypts" : "Encrypted end to end"}</span>
    </span>
  );
}

/** The lock of a tile whose sound and picture are encrypted. */
export function TileLock({ participant }: { participant: RemoteParticipant }): JSX.Element | null {
  usePulse();
  const { microphone, camera } = participant.sources;
  const sent = [microphone, camera].filter(({ intent }) => intent !== "unpublished");
  if (sent.length === 0 || !sent.every(({ encryption }) => encryption)) return null;
  return (
    <span class="tile-lock" title="Encrypted end to end">
      <Icon name="lock" />
      <span class="visually-hidden">Encrypted end to end</span>
    </span>
  );
}

/** Why a tile is dark although everything comes: what is missing is the key. */
export function Sealed({ participant }: { participant: RemoteParticipant }): JSX.Element | null {
  usePulse();
  const { microphone, camera } = participant.sources;
  const why = camera.decryption ?? microphone.decryption;
  if (why !== "missing-key" && why !== "failed") return null;
  return (
    <p class="sealed-note" role="status">
      <Icon name="lock" />
      {why === "failed" ? "Encrypted with another passphrase" : "Encrypted; you have no key"}
    </p>
  );
}

/** Somebody cannot be seen or heard for want of the key: says so, and takes the passphrase. */
export function UnlockBar({ room }: { room: Room }): JSX.Element | null {
  usePulse();
  const [passphrase, type] = useState("");
  const [busy, setBusy] = useState(false);
  const state = encryptionOf(room);
  if (state !== "locked-out" && state !== "wrong-key") return null;
  const unlock = async () => {
    setBusy(true);
    keepPassphrase(room.id, passphrase);
    try {
      if (room.encryption) await room.encryption.setPassphrase(passphrase);
      else await reenter();
      type("");
    } catch {
      notify("The passphrase could not be used. Try again.");
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      class="unlock-bar"
      data-unlock={state}
      onSubmit={(event) => {
        event.preventDefault();
        if (passphrase !== "" && !busy) void unlock();
      }}
    >
      <Icon name="lock" />
      <p role="status">
        <strong>{state === "wrong-key" ? "The passphrase does not fit." : "This room is encrypted."}</strong>{" "}
        <span>
          {state === "wrong-key"
            ? "Somebody here uses another one. Ask them, and type it here."
            : "You see and hear those who encrypt once you type the passphrase."}
        </span>
      </p>
      <input
        aria-label="Passphrase"
        value={passphrase}
        onInput={(event) => type(event.currentTarget.value)}
        autocomplete="off"
        spellcheck={false}
        maxLength={200}
        name="unlock"
      />
      <button type="submit" class="button primary" disabled={passphrase === "" || busy}>
        {busy ? "Trying …" : "Unlock"}
      </button>
    </form>
  );
}
