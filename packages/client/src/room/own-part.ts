import type { ListenOptions } from "@lodeline/base";
import type { Participant, ParticipantEvents } from "@lodeline/participant";
import type { Source } from "@lodeline/protocol";
import type { DeviceProblem } from "../api/media-api.ts";
import type { OwnMedia } from "../devices/own-media.ts";
import type { OwnSource, OwnSourceChange } from "../devices/own-source.ts";
import { LocalControl, ScreenControl } from "./own-controls.ts";
import { OwnPublishing } from "./own-publishing.ts";

/** What an {@link OwnPart} needs of its room. */
export interface OwnPartOptions {
  readonly participant: Participant;
  readonly media: OwnMedia;
  /** Throws when publishing is refused. */
  assertMayPublish(): void;
  /** A device failed, ended, or works again. */
  device(source: Source, problem: DeviceProblem | undefined): void;
  /** Something that a page shows has changed. */
  changed(): void;
}

/** One's own sources in a room: the person's controls, the devices under them, and what the room is told of both. */
export class OwnPart {
  readonly microphone: LocalControl;
  readonly camera: LocalControl;
  readonly screen: ScreenControl;
  readonly publishing: OwnPublishing;
  readonly #options: OwnPartOptions;
  readonly #problems = new Map<Source, DeviceProblem | undefined>();

  constructor(options: OwnPartOptions, listen: ListenOptions) {
    this.#options = options;
    const { participant, media, assertMayPublish } = options;
    this.publishing = new OwnPublishing(media, (source, intent) => participant.setSource(source, intent));
    const context = { media, publish: (source: Source) => this.publishing.update(source), assertMayPublish };
    this.microphone = new LocalControl("microphone", context);
    this.camera = new LocalControl("camera", context);
    this.screen = new ScreenControl(context);
    media.on("change", ({ source, change }) => this.#deviceChanged(source, change), listen);
    participant.on("source", (news) => this.#heard(news), listen);
  }

  #heard({ source, intent, mutedBy, mayUnmute }: ParticipantEvents["source"]): void {
    void this.publishing.heard(source, intent, mutedBy, mayUnmute);
    this.#options.changed();
  }

  #deviceChanged(own: OwnSource, change: OwnSourceChange): void {
    const { source, problem } = own;
    if (change === "ended") {
      own.want("unpublished");
      // The sound of a screen goes with its picture.
      if (source === "screen") void this.screen.stop();
    }
    if (change === "ended" || (change === "track" && own.track)) this.publishing.update(source);
    if (this.#problems.get(source) !== problem) {
      this.#problems.set(source, problem);
      this.#options.device(source, problem);
    }
    this.#options.changed();
  }
}
