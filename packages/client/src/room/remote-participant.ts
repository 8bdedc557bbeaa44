import type { LedgerRow, ParticipantInfo, Source, Standing, Unreadable } from "@lodeline/protocol";
import { SOURCES } from "@lodeline/protocol";
import type { TrackTruth, TrackWords } from "../api/media-api.ts";
import type { RemoteParticipant } from "../api/room-api.ts";

/** What is known of one source at a moment. */
export interface TruthParts {
  readonly words: TrackWords;
  readonly standing: Standing;
  readonly row: LedgerRow | undefined;
  /** Why it cannot be read. */
  readonly unreadable: Unreadable | undefined;
}

/** What changed in an update of a {@link RemoteHandle}. */
export interface RemoteChange {
  readonly standings: readonly TrackTruth[];
}

/** Another member of the room, kept up to date by the room. */
export class RemoteHandle implements RemoteParticipant {
  readonly id: string;
  readonly stream = new MediaStream();
  readonly screenStream = new MediaStream();
  #info: ParticipantInfo;
  readonly #tracks = new Map<Source, { readonly track: MediaStreamTrack; readonly receiver: RTCRtpReceiver }>();
  #sources: Readonly<Record<Source, TrackTruth>>;

  constructor(info: ParticipantInfo) {
    this.id = info.id;
    this.#info = info;
    this.#sources = truths(
      info,
      () => ({ words: "never sent", standing: "off", row: undefined, unreadable: undefined }),
      this.#tracks,
    );
  }

  get identity(): string {
    return this.#info.identity;
  }
  get name(): string {
    return this.#info.name;
  }
  get role(): ParticipantInfo["role"] {
    return this.#info.role;
  }
  get presence(): ParticipantInfo["presence"] {
    return this.#info.presence;
  }
  get suspectSince(): number | undefined {
    return this.#info.suspectSince;
  }
  get sources(): Readonly<Record<Source, TrackTruth>> {
    return this.#sources;
  }

  audioLevel(): number {
    // Read from the receiver (W3C webrtc section 5.3): what is being played now, without asking for all statistics.
    const levels = [...this.#tracks.values()]
      .filter(({ track }) => track.kind === "audio" && track.enabled)
      .flatMap(({ receiver }) => receiver.getSynchronizationSources().map((source) => source.audioLevel ?? 0));
    return levels.length === 0 ? 0 : Math.max(...levels);
  }

  /** Takes what the room knows now. @returns The sources whose words changed. */
  update(info: ParticipantInfo, parts: (source: Source) => TruthParts): RemoteChange {
    const before = this.#sources;
    this.#info = info;
    this.#sources = truths(info, parts, this.#tracks);
    this.#obey();
    const standings = SOURCES.map((source) => this.#sources[source]).filter(
      (truth) => truth.words !== before[truth.source].words,
    );
    return { standings };
  }

  /**
   * Puts a track into the stream of its source, in place of the one before.
   *
   * @returns Whether anything changed.
   */
  setTrack(source: Source, receiver: RTCRtpReceiver | undefined): boolean {
    const before = this.#tracks.get(source);
    if (before?.receiver === receiver) return false;
    const stream = this.streamOf(source);
    if (receiver) {
      this.#tracks.set(source, { track: receiver.track, receiver });
      this.#obey();
      // Before the old one goes: an element whose stream has no picture for a moment shows none.
      stream.addTrack(receiver.track);
    }
    if (before) stream.removeTrack(before.track);
    if (receiver) {
      // `addtrack` is not fired for what a page adds itself; whoever plays the stream waits for it.
      stream.dispatchEvent(new MediaStreamTrackEvent("addtrack", { track: receiver.track }));
    } else {
      this.#tracks.delete(source);
    }
    return true;
  }

  /**
   * Plays no sound that the room says is not live. In an sfu room none of it comes; in a mesh nobody but the receiver can
   * keep a muted sender, or one that has lost its role, from being heard.
   */
  #obey(): void {
    for (const [source, { track }] of this.#tracks) {
      if (track.kind === "audio") track.enabled = this.#sources[source].intent === "live";
    }
  }

  /** The stream a source belongs to. */
  streamOf(source: Source): MediaStream {
    return source === "screen" || source === "screen-audio" ? this.screenStream : this.stream;
  }

  /** The track of a source, if it has one. */
  trackOf(source: Source): MediaStreamTrack | undefined {
    return this.#tracks.get(source)?.track;
  }
}

function truths(
  info: ParticipantInfo,
  parts: (source: Source) => TruthParts,
  tracks: ReadonlyMap<Source, { readonly track: MediaStreamTrack }>,
): Readonly<Record<Source, TrackTruth>> {
  const truth = (source: Source): TrackTruth => {
    const { words, standing, row, unreadable } = parts(source);
    const { intent, mutedBy, mayUnmute = false, encryption } = info.media.sources[source];
    return {
      source,
      intent,
      mutedBy,
      mayUnmute,
      encryption,
      decryption: unreadable ?? (encryption && standing === "received" ? "ok" : undefined),
      standing,
      words,
      facts: row?.facts,
      replay: row?.replay ?? null,
      track: tracks.get(source)?.track,
    };
  };
  return {
    microphone: truth("microphone"),
    camera: truth("camera"),
    screen: truth("screen"),
    "screen-audio": truth("screen-audio"),
  };
}
