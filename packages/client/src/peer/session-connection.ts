import type { MonoMs } from "@lodeline/base";
import { type Slots, SOURCES, type Source } from "@lodeline/protocol";
import type { Owned } from "@lodeline/session";
import type { OwnMedia } from "../devices/own-media.ts";
import { ReceivedEvidence } from "../stats/received-evidence.ts";
import { SentEvidence, type SentFacts } from "../stats/sent-evidence.ts";
import { entriesOf, readable } from "../stats/stats-report.ts";
import { CandidateEpochs } from "./candidate.ts";
import { applyEncodings } from "./encodings.ts";
import { connectionOnRoute } from "./route-frame.ts";
import { RouteTrial } from "./route-trial.ts";
import { type EncryptSection, Sections } from "./sections.ts";
import { SentTracks } from "./sent-tracks.ts";

/** What a {@link SessionConnection} is made of. */
export interface SessionConnectionOptions {
  readonly session: string;
  /** Receive slots and simulcast; else four `sendrecv` sections. */
  readonly sfu: boolean;
  /** Packets go by whatever way the machine has, see {@link connectionOnRoute}; else by those the browser chooses. */
  readonly onRoute: boolean;
  readonly media: OwnMedia;
  readonly configuration: RTCConfiguration;
  readonly encrypt: EncryptSection | undefined;
  readonly listener: SessionConnectionListener;
}

/** What a {@link SessionConnection} tells. */
export interface SessionConnectionListener {
  transport(connection: RTCPeerConnectionState): void;
  data(open: boolean): void;
  message(data: string | ArrayBuffer): void;
  candidate(epoch: number, candidate: RTCIceCandidate): void;
  /** A copy of a track could not be put on its section; the connection goes on. */
  trouble(error: unknown): void;
}

/** The data channel's label, the same at both ends. */
const CHANNEL = "lodeline";

/**
 * Everything one session holds: its connection, sections, copies of tracks, data channel, and its hold on the devices.
 * The steps of the plans work on it; it decides nothing.
 */
export class SessionConnection {
  readonly session: string;
  readonly connection: RTCPeerConnection;
  readonly sections: Sections;
  readonly tracks: SentTracks;
  readonly epochs = new CandidateEpochs();
  /** What the session sends, for the one who called. */
  readonly localStream = new MediaStream();
  channel: RTCDataChannel | undefined;
  readonly media: OwnMedia;
  readonly #listener: SessionConnectionListener;
  readonly #sent = new SentEvidence();
  readonly #received = new ReceivedEvidence();
  readonly #listening: Disposable;
  /** Set once the hold on the devices is given up. */
  #released: Promise<void> | undefined;
  #attached = false;
  /** Statistics that were asked for and have not come; they never do once the connection is closed in Firefox. */
  readonly #asked = new Set<(report: undefined) => void>();
  /** Loaded with the first screen that is to be sent in another codec than the one negotiated. */
  #encodeScreen: typeof import("./screen-encoding.ts").encodeScreen | undefined;
  /** Of a connection on the machine's own route. */
  readonly #trial: RouteTrial | undefined;
  /** Work on tracks, one after the other: two `replaceTrack` at once may finish in either order. */
  #work: Promise<void> = Promise.resolve();

  constructor(options: SessionConnectionOptions) {
    this.session = options.session;
    this.media = options.media;
    this.#listener = options.listener;
    const { configuration, onRoute } = options;
    this.#trial = onRoute ? new RouteTrial() : undefined;
    this.connection = onRoute ? connectionOnRoute(configuration) : new RTCPeerConnection(configuration);
    this.sections = new Sections(this.connection, options.sfu, options.encrypt, options.media.sources.camera.encodings);
    this.tracks = new SentTracks(options.media, this.sections);
    this.media.hold();
    this.#listening = this.media.on("change", ({ source }) => {
      if (this.#attached) void this.attach(source.source);
    });
    this.#listen();
  }

  /** Whether the machine's own route was tried and led nowhere. */
  get noRoute(): boolean {
    return this.#trial?.ledNowhere(performance.now()) ?? false;
  }

  /** From now on the sections follow the devices. Settles when those open now are on their sections. */
  async attachAll(): Promise<void> {
    this.#attached = true;
    await this.#queue(() => this.tracks.attachAll());
  }

  /** Brings one section in line with its device. */
  attach(source: Source): Promise<void> {
    return this.#queue(() => this.tracks.attach(source));
  }

  /** Lets through what is wanted live. Rejects with what the browser threw: it is a step of its own. */
  enableTracks(): Promise<void> {
    return this.#inTurn(() => this.tracks.enable());
  }

  /** Takes a source off its section and puts it on again; its device is opened anew when it gives nothing. */
  republish(source: Source): Promise<void> {
    const own = this.media.sources[source];
    const sound = own.track?.readyState === "live" && !own.track.muted;
    return this.#queue(async () => {
      await this.tracks.detach(source);
      if (!sound && own.audible && (source === "camera" || source === "microphone")) {
        await own.close();
        await own.open();
      }
      await this.tracks.attach(source);
    });
  }

  /** Sends one encoding of the camera or all of them, and the screen in its codec, without a negotiation. */
  encode({ camera, screen }: Slots): Promise<void> {
    return this.#queue(async () => {
      const sender = this.sections.sender("camera");
      const parameters = sender?.getParameters();
      if (sender && parameters && applyEncodings(parameters, camera)) await sender.setParameters(parameters);
      if (screen) this.#encodeScreen = (await import("./screen-encoding.ts")).encodeScreen;
      await this.#encodeScreen?.(this, screen);
    });
  }

  /** Makes the channel at the offerer; the answerer's comes with the offer. */
  openChannel(): void {
    this.#adoptChannel(this.connection.createDataChannel(CHANNEL));
  }

  /** Stops the copies and gives up the hold on the devices; begins to release those that nobody else holds. */
  stopSources(): void {
    this.#listening[Symbol.dispose]();
    this.#attached = false;
    try {
      this.tracks.stop();
    } finally {
      this.#released ??= this.media.release();
      // Whoever waits for it is told; until then it is no uncaught error.
      this.#released.catch(() => {});
    }
  }

  /** As {@link stopSources}. Settles when the devices are released. */
  async releaseDevices(): Promise<void> {
    this.stopSources();
    await this.#released;
  }

  /** Closes channel and connection; nothing is told any more. Settles when both are `closed`. */
  async close(): Promise<void> {
    const { connection, channel } = this;
    connection.onconnectionstatechange = null;
    connection.onicecandidate = null;
    connection.ondatachannel = null;
    const gone = channel && channelClosed(channel);
    try {
      channel?.close();
    } finally {
      connection.close();
      for (const giveUp of this.#asked) giveUp(undefined);
    }
    await gone;
  }

  /** The browser's statistics; undefined when the connection is closed before they come. */
  stats(): Promise<RTCStatsReport | undefined> {
    return new Promise((resolve, reject) => {
      this.#asked.add(resolve);
      const answered = () => this.#asked.delete(resolve);
      this.connection.getStats().then(resolve, reject).then(answered);
    });
  }

  /** Reads the connection's statistics: what is sent of each source, and what each receiving section has. */
  async observe(now: MonoMs): Promise<{ published: SentFacts[]; received: ReadonlyMap<string, number> }> {
    const stats = await this.stats();
    if (!stats) return { published: [], received: new Map() };
    const report = readable(stats);
    this.#received.read(entriesOf(report, "inbound-rtp"));
    const published: SentFacts[] = [];
    for (const source of SOURCES) {
      const mid = this.sections.midOf(source);
      if (mid !== null && this.media.sources[source].audible)
        published.push(this.#sent.read(source, this.tracks.track(source), mid, report, now));
    }
    return { published, received: this.#received.counts() };
  }

  /** Everything owned, with its state now, for the receipt. */
  owned(...kinds: Owned["kind"][]): Owned[] {
    const all: Owned[] = [
      { kind: "connection", id: this.session, state: this.connection.connectionState },
      { kind: "stream", id: this.localStream.id, state: this.localStream.getTracks().length > 0 ? "held" : "dropped" },
      ...this.tracks.records().map(({ id, readyState }) => ({ kind: "track" as const, id, state: readyState })),
      ...SOURCES.flatMap((source) => this.#ownedDevice(source)),
    ];
    if (this.channel) all.push({ kind: "channel", id: this.channel.label, state: this.channel.readyState });
    return all.filter((thing) => kinds.includes(thing.kind));
  }

  #ownedDevice(source: Source): Owned[] {
    if (this.#released) {
      return [
        { kind: "source", id: source, state: "stopped" },
        { kind: "device", id: source, state: "released" },
      ];
    }
    if (!this.media.sources[source].track) return [];
    return [
      { kind: "source", id: source, state: "capturing" },
      { kind: "device", id: source, state: "held" },
    ];
  }

  #listen(): void {
    const { connection } = this;
    connection.onconnectionstatechange = () => {
      const { connectionState } = connection;
      this.#trial?.note(connectionState, performance.now());
      this.#listener.transport(connectionState);
    };
    connection.onicecandidate = ({ candidate }) => {
      if (candidate) this.#listener.candidate(this.epochs.of(candidate), candidate);
    };
    connection.ondatachannel = ({ channel }) => this.#adoptChannel(channel);
  }

  #adoptChannel(channel: RTCDataChannel): void {
    this.channel = channel;
    channel.binaryType = "arraybuffer";
    channel.onopen = () => this.#listener.data(true);
    channel.onclose = () => this.#listener.data(false);
    channel.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => this.#listener.message(data);
    // The answerer's channel may be open before anybody could listen (W3C webrtc section 6.2.1 announces it first).
    if (channel.readyState === "open") this.#listener.data(true);
  }

  #queue(work: () => Promise<void>): Promise<void> {
    return this.#inTurn(work).catch((error: unknown) => {
      // A connection that was closed meanwhile refuses; everything else is worth a line in the log.
      if (this.connection.signalingState !== "closed") this.#listener.trouble(error);
    });
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#work.then(work);
    // Whoever gave the work is told of its failure; what comes next does not depend on it.
    this.#work = done.catch(() => {});
    return done;
  }
}

/** Closing is quick and not immediate: the channel is `closing` for a turn or two, also on a connection that is closed. */
function channelClosed(channel: RTCDataChannel): Promise<void> {
  channel.onopen = null;
  channel.onmessage = null;
  return new Promise((resolve) => {
    if (channel.readyState === "closed") return resolve();
    channel.onclose = null;
    channel.addEventListener("close", () => resolve(), { once: true });
  });
}
