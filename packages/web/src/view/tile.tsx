import { attachAudio, attachVideo, type RemoteParticipant, type Room } from "@lodeline/client";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { notify } from "../state/notices.ts";
import { usePulse, useSeconds } from "../state/pulse.ts";
import { trouble } from "../state/trouble.ts";
import { Avatar } from "./avatar.tsx";
import { clock } from "./clock.ts";
import { Sealed, TileLock } from "./sealed.tsx";
import { Truth } from "./truth.tsx";

/** Another participant: picture or initials, name, and the truth of microphone and camera. Plays the microphone. */
export function ParticipantTile(props: {
  room: Room;
  participant: RemoteParticipant;
  featured?: boolean;
}): JSX.Element {
  usePulse();
  const { room, participant } = props;
  const { microphone, camera } = participant.sources;
  const speaking = useSpeaking(participant);
  const video = useAttached<HTMLVideoElement>(
    (element) => attachVideo(element, room, participant, "camera"),
    [room, participant],
  );
  const audio = useAttached<HTMLAudioElement>(
    (element) => attachSound(element, room, participant),
    [room, participant],
  );
  const readable = camera.decryption === undefined || camera.decryption === "ok";
  const shown = usePictured(video) && readable && camera.intent === "live" && camera.mutedBy === null;
  const suspect = participant.presence === "suspect";
  const late = camera.words !== "live" || trouble.value?.what === "media" || trouble.value?.what === "both";
  const look = `${speaking ? "speaking" : ""} ${suspect || (shown && late) ? "waiting" : ""}`;
  return (
    <TileFrame name={participant.name} className={look} id={participant.id}>
      <video ref={video} autoplay muted playsInline style={{ opacity: shown ? 1 : 0 }} />
      {/* biome-ignore lint/a11y/useMediaCaption: live speech of a person; captions are a pipeline's work. */}
      <audio ref={audio} autoplay />
      {!shown && <Initials name={participant.name} />}
      {suspect ? (
        <Veil words="Connection lost? Waiting" />
      ) : (
        shown && camera.standing === "missing" && <Veil words="The last picture; asking for a new one" />
      )}
      <Sealed participant={participant} />
      <Plate name={participant.name} mark={<TileLock participant={participant} />}>
        <Truth source="microphone" words={microphone.words} />
        <Truth source="camera" words={camera.words} />
      </Plate>
    </TileFrame>
  );
}

/** What is wrong with a tile, over its last picture, and for how long. */
export function Veil({ words }: { words: string }): JSX.Element {
  const began = useRef(performance.now());
  const now = useSeconds();
  return (
    <p class="veil">
      <span role="status">{words}</span> <span aria-hidden="true">{clock(now - began.current)}</span>
    </p>
  );
}

/** A participant's shared screen, with its sound. */
export function ScreenTile(props: { room: Room; participant: RemoteParticipant }): JSX.Element {
  usePulse();
  const { room, participant } = props;
  const video = useAttached<HTMLVideoElement>(
    (element) => attachVideo(element, room, participant, "screen"),
    [room, participant],
  );
  const audio = useAttached<HTMLAudioElement>(
    (element) => attachAudio(element, room, participant, "screen-audio"),
    [room, participant],
  );
  return (
    <TileFrame name={`${participant.name}, screen`} className="screen featured" id={`${participant.id}:screen`}>
      <video ref={video} autoplay muted playsInline />
      {/* biome-ignore lint/a11y/useMediaCaption: the sound of a live screen. */}
      <audio ref={audio} autoplay />
      <Plate name={`${participant.name} shares a screen`}>
        <Truth source="screen" words={participant.sources.screen.words} />
      </Plate>
    </TileFrame>
  );
}

/** One's own picture, mirrored as in a mirror. */
export function SelfTile(props: {
  name: string;
  stream: MediaStream;
  microphone: string;
  camera: string;
  shows: boolean;
}): JSX.Element {
  const { name, stream, shows } = props;
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current) video.current.srcObject = stream;
  }, [stream]);
  return (
    <TileFrame name={`${name}, you`} className="mirrored self" id="self">
      <video ref={video} autoplay muted playsInline hidden={!shows} />
      {!shows && <Initials name={name} />}
      <Plate name={name} note="you">
        <Truth source="microphone" words={props.microphone} />
        <Truth source="camera" words={props.camera} />
      </Plate>
    </TileFrame>
  );
}

/** The frame every tile shares. */
export function TileFrame(props: {
  name: string;
  className?: string;
  id: string;
  children: ComponentChildren;
}): JSX.Element {
  return (
    <li class={`tile ${props.className ?? ""}`} aria-label={props.name} data-tile={props.id}>
      {props.children}
    </li>
  );
}

/** Name and truth along a tile's lower edge. */
export function Plate(props: {
  name: string;
  note?: string | undefined;
  /** Before the name. */
  mark?: ComponentChildren;
  children?: ComponentChildren;
}): JSX.Element {
  return (
    <div class="plate">
      <span class="name">
        {props.mark}
        <span>{props.name || "Guest"}</span>
        {props.note && <small>{props.note}</small>}
      </span>
      {props.children}
    </div>
  );
}

/** Two letters where there is no picture. */
export function Initials({ name }: { name: string }): JSX.Element {
  return (
    <div class="initials">
      <Avatar name={name} large />
    </div>
  );
}

/** Whether the element has drawn a picture: from then on there is a last one to show, whatever becomes of the track. */
function usePictured(video: { readonly current: HTMLVideoElement | null }): boolean {
  const [pictured, setPictured] = useState(false);
  useEffect(() => {
    const element = video.current;
    if (!element) return undefined;
    const look = () => element.videoWidth > 0 && setPictured(true);
    element.addEventListener("resize", look);
    element.addEventListener("loadeddata", look);
    look();
    return () => {
      element.removeEventListener("resize", look);
      element.removeEventListener("loadeddata", look);
    };
  }, [video]);
  return pictured;
}

function useAttached<E extends HTMLElement>(attach: (element: E) => Disposable, inputs: readonly unknown[]) {
  const element = useRef<E>(null);
  useEffect(() => {
    if (!element.current) return undefined;
    const attached = attach(element.current);
    return () => attached[Symbol.dispose]();
  }, inputs);
  return element;
}

function attachSound(element: HTMLAudioElement, room: Room, participant: RemoteParticipant): Disposable {
  const attached = attachAudio(element, room, participant, "microphone");
  element.play().catch((error: unknown) => {
    // Without a click on this page browsers refuse to play sound: one notice, one click, for everybody at once.
    if (error instanceof DOMException && error.name === "NotAllowedError") askForSound();
  });
  return attached;
}

let asked = false;
function askForSound(): void {
  if (asked) return;
  asked = true;
  notify("Your browser keeps this page silent.", {
    label: "Hear the others",
    run: () => {
      asked = false;
      for (const audio of document.querySelectorAll("audio")) void audio.play();
    },
  });
}

/** Above this a voice counts as speaking; quieter is breath and keys. */
const SPEAKING_LEVEL = 0.02;

function useSpeaking(participant: RemoteParticipant): boolean {
  const [speaking, setSpeaking] = useState(false);
  useEffect(() => {
    const timer = setInterval(() => setSpeaking(participant.audioLevel() > SPEAKING_LEVEL), 250);
    return () => clearInterval(timer);
  }, [participant]);
  return speaking;
}
