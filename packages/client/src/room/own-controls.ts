import { LodelineError } from "@lodeline/base";
import type { Source } from "@lodeline/protocol";
import type {
  DeviceChoice,
  DeviceProblem,
  LocalSource,
  LocalState,
  ScreenOptions,
  ScreenSource,
} from "../api/media-api.ts";
import type { OwnMedia } from "../devices/own-media.ts";
import type { OwnSource } from "../devices/own-source.ts";

/** What the controls of own sources need of their room or call. */
export interface ControlContext {
  readonly media: OwnMedia;
  /** Tells the others what is wanted now; nothing to do in a call. */
  publish(source: Source): void;
  /** Throws when publishing is refused: a viewer, or a room that is over. */
  assertMayPublish(): void;
}

/** A camera or microphone of one's own, as the person works it. */
export class LocalControl implements LocalSource {
  readonly source: "microphone" | "camera";
  readonly #context: ControlContext;
  readonly #own: OwnSource;

  constructor(source: "microphone" | "camera", context: ControlContext) {
    this.source = source;
    this.#context = context;
    this.#own = context.media.sources[source];
  }

  get state(): LocalState {
    return this.#own.state;
  }
  get mutedBy(): string | null {
    return this.#own.mutedBy;
  }
  get mayUnmute(): boolean {
    return this.#own.mayUnmute;
  }
  get track(): MediaStreamTrack | undefined {
    return this.#own.track;
  }
  get deviceId(): string | undefined {
    return this.#own.track?.getSettings().deviceId ?? this.#own.choice.deviceId;
  }
  get problem(): DeviceProblem | undefined {
    return this.#own.problem;
  }
  get scalabilityMode(): string | undefined {
    return this.#own.encodings?.[0]?.scalabilityMode;
  }

  async on(options: DeviceChoice = this.#own.choice): Promise<void> {
    assertFree(this.#own, this.#context);
    // A mute that its owner may lift is lifted by this wish.
    this.#own.want("live", null);
    await this.#open(options);
    this.#context.publish(this.source);
  }

  async off(): Promise<void> {
    this.#own.want("unpublished");
    this.#context.publish(this.source);
    await this.#own.close();
  }

  async mute(): Promise<void> {
    if (this.#own.intent === "unpublished") return;
    this.#own.want("muted");
    this.#context.publish(this.source);
    // A dark camera that keeps its light on frightens people; a microphone must be back with the next syllable.
    if (this.source === "camera") await this.#own.close();
  }

  async unmute(): Promise<void> {
    await this.on();
  }

  /** Uses another device, at once when one is open. */
  async setDevice(choice: DeviceChoice): Promise<void> {
    if (this.#own.track) await this.#own.open(choice);
    else this.#own.choice = choice;
  }

  async #open(choice: DeviceChoice): Promise<void> {
    try {
      await this.#own.open(choice);
    } catch (error) {
      // Overtaken by a later wish: that one decides what is wanted now.
      if (error instanceof LodelineError && error.code === "aborted") throw error;
      this.#own.want("unpublished");
      this.#context.publish(this.source);
      throw error;
    }
  }
}

/** Sharing the screen, as the person works it. */
export class ScreenControl implements ScreenSource {
  readonly #context: ControlContext;
  readonly #screen: OwnSource;
  readonly #audio: OwnSource;

  constructor(context: ControlContext) {
    this.#context = context;
    this.#screen = context.media.sources.screen;
    this.#audio = context.media.sources["screen-audio"];
  }

  get state(): LocalState {
    // Asking is no publishing yet, and a dialog that was closed leaves nothing behind but a problem.
    return this.#screen.state;
  }
  get mutedBy(): string | null {
    return this.#screen.mutedBy;
  }
  get mayUnmute(): boolean {
    return this.#screen.mayUnmute;
  }
  get track(): MediaStreamTrack | undefined {
    return this.#screen.track;
  }
  get audioTrack(): MediaStreamTrack | undefined {
    return this.#audio.track;
  }
  get problem(): DeviceProblem | undefined {
    return this.#screen.problem;
  }

  async start(options: ScreenOptions = {}): Promise<void> {
    assertFree(this.#screen, this.#context);
    await this.#context.media.openScreen(options);
    for (const own of [this.#screen, this.#audio]) {
      if (!own.track) continue;
      own.want("live", null);
      this.#context.publish(own.source);
    }
  }

  async stop(): Promise<void> {
    for (const own of [this.#screen, this.#audio]) {
      if (own.intent === "unpublished") continue;
      own.want("unpublished");
      this.#context.publish(own.source);
    }
    await Promise.all([this.#screen.close(), this.#audio.close()]);
  }
}

function assertFree(own: OwnSource, context: ControlContext): void {
  context.assertMayPublish();
  if (own.mutedBy !== null && !own.mayUnmute) {
    throw new LodelineError("auth/forbidden", { detail: `A moderator muted the ${own.source}.`, field: own.source });
  }
}
