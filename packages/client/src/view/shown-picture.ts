import type { RemoteParticipant, Room } from "../api/room-api.ts";
import { play } from "./play.ts";

/** Which picture is shown. */
export type PictureSource = "camera" | "screen";

/**
 * What one element shows of one source. The element has a stream of its own, in which a track gives way to the next one
 * only when a picture of that one is decoded, so that the last picture stays while a session is replaced.
 *
 * Chromium paints an element black as soon as its track ends, and a session that is replaced ends its tracks. A paused
 * element keeps its picture: it is paused before they end. In a mesh the room's connection is the worst of all pairs and
 * says nothing of this one.
 */
export class ShownPicture implements Disposable {
  readonly #element: HTMLVideoElement;
  readonly #room: Room;
  readonly #participant: RemoteParticipant;
  readonly #source: PictureSource;
  readonly #shown = new MediaStream();
  readonly #listening: readonly Disposable[];
  /** The next track, while its first picture is waited for. */
  #next: { readonly track: MediaStreamTrack; stop(): void } | undefined;
  /** The element is paused with the last picture. */
  #still = false;

  /** Shows what there is from now on; the caller disposes of it. */
  constructor(element: HTMLVideoElement, room: Room, participant: RemoteParticipant, source: PictureSource) {
    this.#element = element;
    this.#room = room;
    this.#participant = participant;
    this.#source = source;
    element.srcObject = this.#shown;
    this.#follow();
    this.#listening = [
      room.on("track", () => this.#follow()),
      room.on("connection", () => this.#holdOrPlay()),
      room.on("standing", () => this.#holdOrPlay()),
    ];
  }

  [Symbol.dispose](): void {
    for (const one of this.#listening) one[Symbol.dispose]();
    this.#next?.stop();
    if (this.#element.srcObject === this.#shown) this.#element.srcObject = null;
  }

  #follow(): void {
    const { stream, screenStream } = this.#participant;
    const [next] = (this.#source === "screen" ? screenStream : stream).getVideoTracks();
    const [now] = this.#shown.getVideoTracks();
    if (next && now && next !== now && !this.#showsSomethingElse(now)) return this.#await(next);
    this.#await(undefined);
    if (next !== now) this.#show(next);
  }

  /** A receive slot may be given to another source: its track then plays that, and is no last picture any more. */
  #showsSomethingElse(track: MediaStreamTrack): boolean {
    return [...this.#room.participants.values()].some(({ stream, screenStream }) =>
      [stream, screenStream].some((one) => one.getVideoTracks().includes(track)),
    );
  }

  #await(track: MediaStreamTrack | undefined): void {
    if (this.#next?.track === track) return;
    this.#next?.stop();
    this.#next = track && { track, stop: whenPictured(track, () => this.#show(track)) };
  }

  #show(track: MediaStreamTrack | undefined): void {
    this.#await(undefined);
    this.#still = false;
    // In this order: where the next one is there before the old one goes, Chromium shows nothing until a picture comes.
    // Firefox shows nothing for a frame where the element is still paused.
    if (track) play(this.#element);
    for (const one of this.#shown.getVideoTracks()) this.#shown.removeTrack(one);
    if (track) {
      this.#shown.addTrack(track);
      play(this.#element);
    }
  }

  #holdOrPlay(): void {
    if (this.#room.topology !== "sfu") return;
    const { readyState, HAVE_CURRENT_DATA } = this.#element;
    const broken = this.#room.connection.media !== "active";
    if (broken && !this.#still && readyState >= HAVE_CURRENT_DATA) {
      this.#still = true;
      this.#element.pause();
    }
    if (broken || !this.#still || this.#next || this.#participant.sources[this.#source].words !== "live") return;
    this.#still = false;
    play(this.#element);
  }
}

/** Calls once when a track has its first picture, which an element that nobody sees finds out. @returns Gives it up. */
function whenPictured(track: MediaStreamTrack, done: () => void): () => void {
  const probe = document.createElement("video");
  probe.muted = true;
  probe.playsInline = true;
  probe.addEventListener("loadeddata", done, { once: true });
  probe.srcObject = new MediaStream([track]);
  play(probe);
  return () => {
    probe.removeEventListener("loadeddata", done);
    probe.srcObject = null;
  };
}
