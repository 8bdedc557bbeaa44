import { Emitter, type Listenable } from "@lodeline/base";
import { SOURCES, type Source } from "@lodeline/protocol";
import type { DeviceChoice, ScreenOptions } from "../api/media-api.ts";
import { openBoth, openDevice, openScreen } from "./capture.ts";
import { OwnSource, type OwnSourceChange } from "./own-source.ts";
import { deviceFailure } from "./problems.ts";

/** What {@link OwnMedia} tells: one of its sources changed. */
export interface OwnMediaEvents {
  readonly change: { readonly source: OwnSource; readonly change: OwnSourceChange };
}

/** The end of one capture track, for the teardown receipt. */
export interface CaptureRecord {
  readonly source: Source;
  readonly id: string;
  readonly readyState: MediaStreamTrackState;
}

/** Records of ended tracks that are kept: enough for any receipt a person reads. */
const KEPT_RECORDS = 64;

/**
 * The four sources of one room or one call, and the devices behind them. Sessions share it: a camera that two sessions
 * send is opened once. It is released when the last hold on it is: the room's own, and one for each session.
 */
export class OwnMedia implements Listenable<OwnMediaEvents> {
  readonly sources: Readonly<Record<Source, OwnSource>>;
  /** Microphone and camera, for a look at oneself. The same object always. */
  readonly stream = new MediaStream();
  /** The shared screen and its sound. */
  readonly screenStream = new MediaStream();
  readonly #emitter = new Emitter<OwnMediaEvents>();
  readonly #captured: { readonly source: Source; readonly track: MediaStreamTrack }[] = [];
  #holds = 0;

  constructor() {
    const make = (source: Source) => new OwnSource(source, openerOf(source), this.#changed);
    this.sources = {
      microphone: make("microphone"),
      camera: make("camera"),
      screen: make("screen"),
      "screen-audio": make("screen-audio"),
    };
  }

  on: Listenable<OwnMediaEvents>["on"] = (name, listener, options) => this.#emitter.on(name, listener, options);

  /** Opens a microphone and a camera with one question to the person. Never rejects: problems stand in the sources. */
  async openTogether(microphone: DeviceChoice, camera: DeviceChoice): Promise<void> {
    const both = openBoth(microphone, camera);
    await Promise.all([this.#settle("microphone", both), this.#settle("camera", both)]);
  }

  /** Asks what to share and takes both tracks. @throws LodelineError `device/*`. */
  async openScreen(options: ScreenOptions): Promise<void> {
    const { screen } = this.sources;
    const audio = this.sources["screen-audio"];
    // Both tracks come of one dialog: the sound waits here until the picture's wish is known to be the last one.
    let sound: MediaStreamTrack | undefined;
    try {
      await screen.openWith(async () => {
        const shared = await openScreen(options);
        sound = shared.audio;
        return shared.video;
      });
    } catch (error) {
      // Overtaken while the person chose: the picture is stopped by its source, the sound here.
      sound?.stop();
      throw error;
    }
    if (sound && screen.track) audio.adopt(sound);
    else sound?.stop();
  }

  /** Keeps the devices from being released until {@link release}. */
  hold(): void {
    this.#holds += 1;
  }

  /** Gives a hold up; with the last one every device is released. Settles when that is done. */
  async release(): Promise<void> {
    this.#holds -= 1;
    if (this.#holds <= 0) await this.close();
  }

  /** Whether releasing one hold more would release the devices. */
  get lastHold(): boolean {
    return this.#holds <= 1;
  }

  /** Releases every device now. */
  async close(): Promise<void> {
    await Promise.all(SOURCES.map((source) => this.sources[source].close()));
  }

  /** Every capture track of late, with its state now. */
  records(): CaptureRecord[] {
    return this.#captured.map(({ source, track }) => ({ source, id: track.id, readyState: track.readyState }));
  }

  readonly #changed = (source: OwnSource, change: OwnSourceChange): void => {
    if (change !== "state") this.#mirror(source);
    this.#emitter.emit("change", { source, change });
  };

  #mirror(source: OwnSource): void {
    const stream = source.source === "screen" || source.source === "screen-audio" ? this.screenStream : this.stream;
    const kind = source.source === "microphone" || source.source === "screen-audio" ? "audio" : "video";
    for (const old of stream.getTracks()) if (old.kind === kind && old !== source.track) stream.removeTrack(old);
    if (!source.track) return;
    stream.addTrack(source.track);
    this.#record(source.source, source.track);
  }

  #record(source: Source, track: MediaStreamTrack): void {
    if (this.#captured.some((entry) => entry.track === track)) return;
    this.#captured.push({ source, track });
    const ended = this.#captured.findIndex((entry) => entry.track.readyState === "ended");
    if (this.#captured.length > KEPT_RECORDS && ended >= 0) this.#captured.splice(ended, 1);
  }

  async #settle(source: "microphone" | "camera", both: ReturnType<typeof openBoth>): Promise<void> {
    const own = this.sources[source];
    const choice = own.choice;
    await own
      .openWith(async () => {
        const got = (await both)[source];
        if (got instanceof MediaStreamTrack) return got;
        throw got ?? deviceFailure(source, "device/missing");
      }, choice)
      .catch(() => {});
  }
}

function openerOf(source: Source): (choice: DeviceChoice) => Promise<MediaStreamTrack> {
  if (source === "microphone" || source === "camera") return (choice) => openDevice(source, choice);
  // A screen is only ever opened by a person's click, through `openScreen`.
  return () => Promise.reject(deviceFailure(source, "device/unsupported"));
}
