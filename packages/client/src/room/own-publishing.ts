import { SOURCES, type Source, type SourceState, type Sources } from "@lodeline/protocol";
import type { OwnMedia } from "../devices/own-media.ts";
import type { OwnSource } from "../devices/own-source.ts";

/** What a source is to the others: what is wanted of it, as far as the device allows. */
type Intent = SourceState["intent"];

/**
 * Keeps what the room is told of own sources in line with what there is: nothing is called live that no device gives.
 * Works both ways, since a moderator may mute and a server may refuse.
 */
export class OwnPublishing {
  readonly #media: OwnMedia;
  readonly #send: (source: Source, intent: Intent) => void;
  /** What the room was told last; `undefined` while there is no room to be told. */
  #told: Record<Source, Intent> | undefined;

  constructor(media: OwnMedia, send: (source: Source, intent: Intent) => void) {
    this.#media = media;
    this.#send = send;
  }

  /** What a join starts with. From now on changes are told. */
  begin(): Record<Source, Intent> {
    const intents: Record<Source, Intent> = {
      microphone: intentOf(this.#media.sources.microphone),
      camera: intentOf(this.#media.sources.camera),
      screen: intentOf(this.#media.sources.screen),
      "screen-audio": intentOf(this.#media.sources["screen-audio"]),
    };
    this.#told = { ...intents };
    return intents;
  }

  /** The place was given: tells what changed meanwhile. */
  admitted(server: Sources): void {
    for (const source of SOURCES) {
      const { mutedBy, mayUnmute } = server[source];
      this.#media.sources[source].want(this.#media.sources[source].intent, mutedBy, mayUnmute);
      this.update(source);
      const now = intentOf(this.#media.sources[source]);
      if (server[source].intent !== now && mutedBy === null) this.#send(source, now);
    }
  }

  /** A wish or a device changed: tells the room what that comes to, once. */
  update(source: Source): void {
    if (!this.#told) return;
    const own = this.#media.sources[source];
    // Until a muted camera is open again it stays what it was to the others.
    const reopening = own.intent === "live" && !own.track && this.#told[source] === "muted";
    const intent = reopening ? "muted" : intentOf(own);
    if (this.#told[source] === intent) return;
    this.#told[source] = intent;
    this.#send(source, intent);
  }

  /** The room says what it keeps of a source: a moderator acted, or a wish was confirmed or refused. */
  async heard(source: Source, intent: Intent, mutedBy: string | null, mayUnmute = false): Promise<void> {
    const own = this.#media.sources[source];
    if (this.#told) this.#told[source] = intent;
    const before = own.mutedBy;
    // Its owner has opened it, as it may, and the room has not said yes yet.
    const opened = mayUnmute && intent === "live";
    if (mutedBy !== null && !opened) {
      own.want(own.intent === "unpublished" ? "unpublished" : "muted", mutedBy, mayUnmute);
      // The light of a camera that nobody may see goes off; a screen cannot be opened again without the person.
      if (source === "camera" && before === null) await own.close();
      return;
    }
    own.want(own.intent, null);
    // What was asked for was not granted (a viewer publishes nothing): the device is released.
    if (intent === "unpublished" && intentOf(own) !== "unpublished") {
      own.want("unpublished");
      await own.close();
    }
  }
}

function intentOf(own: OwnSource): Intent {
  // Wanted, but the device is not there yet: others wait for it as for something that is not sent.
  if (own.intent === "live" && !own.track) return "unpublished";
  return own.intent;
}
