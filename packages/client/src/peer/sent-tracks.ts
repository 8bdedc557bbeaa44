import { SOURCES, type Source } from "@lodeline/protocol";
import type { OwnMedia } from "../devices/own-media.ts";
import type { Sections } from "./sections.ts";

/** What one session sends of one source: a copy of the capture track, so that it has an `enabled` of its own. */
interface Sent {
  readonly of: MediaStreamTrack;
  readonly copy: MediaStreamTrack;
}

/**
 * The tracks of one session. Each is a copy (`MediaStreamTrack.clone`) of the capture track, because a session enables
 * its tracks only when it is connected while one's own picture, and other sessions, already show the device.
 *
 * A disabled track sends silence and black pictures (W3C mediacapture-main section 4.3.1). Silence is what is wanted until
 * the session lets its tracks through; a black picture would be the first that everybody sees. So a picture is on its
 * sender only while it is let through. That negotiates nothing, as the section is there from the start.
 */
export class SentTracks {
  readonly #media: OwnMedia;
  readonly #sections: Sections;
  readonly #sent = new Map<Source, Sent>();
  /** Ids that a record has named, and the records of those that were replaced. */
  readonly #named = new Set<string>();
  readonly #replaced: SentRecord[] = [];
  #open = false;

  constructor(media: OwnMedia, sections: Sections) {
    this.#media = media;
    this.#sections = sections;
  }

  /** Puts every open device on its section, disabled until {@link enable}. */
  async attachAll(): Promise<void> {
    for (const source of SOURCES) await this.attach(source);
  }

  /** Brings one section in line with its device: another track, or none. Negotiates nothing. */
  async attach(source: Source): Promise<void> {
    const capture = this.#media.sources[source].track;
    const before = this.#sent.get(source);
    if (!this.#sections.sender(source) || before?.of === capture) return this.#gate(source);
    const copy = capture?.clone();
    if (capture && copy) {
      copy.contentHint = capture.contentHint;
      this.#sent.set(source, { of: capture, copy });
    } else {
      this.#sent.delete(source);
    }
    await this.#gate(source);
    this.#retire(source, before);
  }

  /** Takes a source off its section and stops the copy. */
  async detach(source: Source): Promise<void> {
    const sent = this.#sent.get(source);
    this.#sent.delete(source);
    await this.#sections.sender(source)?.replaceTrack(null);
    this.#retire(source, sent);
  }

  /** Lets through what is wanted live: the last step of a start. */
  async enable(): Promise<void> {
    this.#open = true;
    await this.attachAll();
  }

  /** Silences everything at once: the first step of a stop. */
  disable(): void {
    this.#open = false;
    for (const { copy } of this.#sent.values()) copy.enabled = false;
  }

  /** Stops every copy. The devices are the media's own affair. */
  stop(): void {
    for (const { copy } of this.#sent.values()) copy.stop();
  }

  /** What is sent now. */
  track(source: Source): MediaStreamTrack | undefined {
    return this.#sent.get(source)?.copy;
  }

  /** The copies and their states, for the receipt; also of those that were named once and have been replaced since. */
  records(): SentRecord[] {
    const present = [...this.#sent].map(([source, { copy }]) => recordOf(source, copy));
    for (const { id } of present) this.#named.add(id);
    return [...this.#replaced, ...present];
  }

  /** Sets `enabled`, and what is on the sender, by what is wanted now. */
  async #gate(source: Source): Promise<void> {
    const copy = this.#sent.get(source)?.copy;
    const through = this.#open && this.#media.sources[source].audible;
    if (copy) copy.enabled = through;
    const placed = copy && (through || copy.kind === "audio") ? copy : null;
    const sender = this.#sections.sender(source);
    if (sender && sender.track !== placed) await sender.replaceTrack(placed);
  }

  #retire(source: Source, sent: Sent | undefined): void {
    if (!sent) return;
    sent.copy.stop();
    if (this.#named.has(sent.copy.id)) this.#replaced.push(recordOf(source, sent.copy));
  }
}

/** One copy and its state. */
export interface SentRecord {
  readonly source: Source;
  readonly id: string;
  readonly readyState: MediaStreamTrackState;
}

function recordOf(source: Source, { id, readyState }: MediaStreamTrack): SentRecord {
  return { source, id, readyState };
}
