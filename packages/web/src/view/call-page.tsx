import type { Call } from "@lodeline/client";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { callWords } from "../state/call-words.ts";
import { nameOfCall, talkingSince } from "../state/calls.ts";
import { developing, setDeveloping } from "../state/developer.ts";
import { ownName, reach } from "../state/own-client.ts";
import { usePulse, useSeconds } from "../state/pulse.ts";
import { Avatar } from "./avatar.tsx";
import { Brand } from "./brand.tsx";
import { clock } from "./clock.ts";
import { DeveloperPanel } from "./developer-panel.tsx";
import { Key, OwnKeys } from "./key.tsx";
import { Notices } from "./notices.tsx";
import { SidePanel } from "./side-panel.tsx";
import { Plate, TileFrame, Veil } from "./tile.tsx";
import { ownWords, Truth } from "./truth.tsx";

/** A call between two: from the first ring to the last goodbye. Media is attached on `Active` alone. */
export function CallPage({ call }: { call: Call }): JSX.Element {
  usePulse();
  const name = nameOfCall(call);
  const remote = useRef<HTMLVideoElement>(null);
  const self = useRef<HTMLVideoElement>(null);
  const pictured = usePicture(call, remote, self);
  useEffect(() => {
    document.title = `${name} · Lodeline`;
  }, [name]);
  const active = call.state === "Active";
  const sound = callWords(call, "microphone");
  const picture = callWords(call, "camera");
  // The last picture stays while a new one is on its way; one that was turned off goes.
  const shown = active && pictured && picture !== "off" && picture !== "muted by them";
  const late = call.interrupted || (shown && picture !== "live");
  return (
    <div class="room in-call" data-call={call.state}>
      <header>
        <Brand bare />
        <h1>{name}</h1>
        <CallState call={call} />
      </header>
      <main class={`stage ${developing.value ? "with-panel developing" : ""}`}>
        <ul class="tiles pair" aria-label="The two of you">
          <TileFrame name={name} id="remote" className={late ? "waiting" : ""}>
            {/* biome-ignore lint/a11y/useMediaCaption: live speech of a person; captions are a pipeline's work. */}
            <video ref={remote} autoplay playsInline style={{ opacity: shown ? 1 : 0 }} />
            {!shown && (
              <div class={`waiting-face ${active ? "" : "pulsing"}`}>
                <Avatar name={name} large />
                {!active && <p>{waitingWords(call, name)}</p>}
              </div>
            )}
            {call.interrupted && active ? (
              <Veil words="Reconnecting; the call goes on by itself" />
            ) : (
              shown && picture === "missing: asking again" && <Veil words="The last picture; asking for a new one" />
            )}
            {active && (
              <Plate name={name}>
                <Truth source="microphone" words={sound} />
                <Truth source="camera" words={picture} />
              </Plate>
            )}
          </TileFrame>
          <TileFrame name="You" id="self" className={`mirrored self ${active ? "" : "not-yet"}`}>
            <video ref={self} autoplay muted playsInline hidden={call.camera.state !== "live"} />
            {call.camera.state !== "live" && (
              <div class="waiting-face">
                <Avatar name={ownName()} />
              </div>
            )}
            <Plate name="You">
              <Truth source="microphone" words={ownWords(call.microphone.state, null)} />
              <Truth source="camera" words={ownWords(call.camera.state, null)} />
            </Plate>
          </TileFrame>
        </ul>
        {developing.value && (
          <SidePanel title="Developer" close={() => setDeveloping(false)}>
            <DeveloperPanel call={call} />
          </SidePanel>
        )}
        <Notices />
      </main>
      <nav class="bar" aria-label="Call">
        <OwnKeys
          microphone={call.microphone}
          camera={call.camera}
          barred={active ? {} : { microphone: "The call has not begun yet.", camera: "The call has not begun yet." }}
        />
        <span class="split" />
        <Key
          icon="leave"
          id="hangup"
          label={call.state === "OutgoingInit" ? "Give up" : "Hang up"}
          className="leave"
          press={() => void call.hangup()}
        />
      </nav>
    </div>
  );
}

function CallState({ call }: { call: Call }): JSX.Element {
  usePulse();
  const now = useSeconds();
  const began = talkingSince(call);
  const trouble = troubleOf(call);
  const look = call.state === "Active" && !trouble ? "good" : "wait";
  const words = trouble ?? (call.state === "Active" && began !== undefined ? clock(now - began) : STATES[call.state]);
  return (
    <span class={`connection ${look}`} data-connection={trouble ?? call.state}>
      <span>{words}</span>
      <span class="visually-hidden" role="status">
        {trouble ?? STATES[call.state]}
      </span>
    </span>
  );
}

/** What is broken of a call that goes on: the way between the two, or the server, which the talk does not need. */
function troubleOf(call: Call): string | undefined {
  if (call.state !== "Active") return undefined;
  if (call.interrupted) return "Reconnecting";
  return reach.value.link === "open" ? undefined : "Server out of reach; the call goes on";
}

const STATES: Readonly<Record<Call["state"], string>> = {
  Idle: "Calling",
  OutgoingInit: "Calling",
  IncomingInit: "Answering",
  Negotiating: "Connecting",
  Active: "In the call",
  Ending: "Hanging up",
  Ended: "Over",
};

function waitingWords(call: Call, name: string): string {
  if (call.state === "OutgoingInit") return `Waiting for ${name} to answer`;
  if (call.state === "Ending") return "Hanging up; camera and microphone are being released";
  return "They are there. Connecting sound and picture";
}

/** Shows what the call has in the two elements. @returns Whether the other side's picture has begun. */
function usePicture(
  call: Call,
  remote: { readonly current: HTMLVideoElement | null },
  self: { readonly current: HTMLVideoElement | null },
): boolean {
  const [pictured, setPictured] = useState(false);
  useEffect(() => {
    setPictured(false);
    const attached = call.onActive(({ remoteStream, localStream }) => {
      const [theirs, mine] = [remote.current, self.current];
      if (!theirs || !mine) return undefined;
      const drawn = () => setPictured(theirs.videoWidth > 0);
      theirs.addEventListener("resize", drawn);
      theirs.srcObject = remoteStream;
      mine.srcObject = localStream;
      void theirs.play().catch(() => {
        // Answering was a gesture, so this is rare: the picture at least is shown.
        theirs.muted = true;
        void theirs.play();
      });
      return () => {
        theirs.removeEventListener("resize", drawn);
        theirs.srcObject = null;
        mine.srcObject = null;
      };
    });
    return () => attached[Symbol.dispose]();
  }, [call]);
  return pictured;
}
