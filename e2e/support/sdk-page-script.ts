import {
  attachAudio,
  attachVideo,
  type Call,
  type ClientOptions,
  createClient,
  type JoinOptions,
  type LodelineClient,
  type PlanStep,
  type RemoteParticipant,
  type Room,
  type Source,
} from "@lodeline/client";
import { bookConnections } from "./connection-book.ts";

/** What a tile would say, and what its elements really show and play. */
export interface TileReport {
  readonly name: string;
  readonly words: Readonly<Record<Source, string>>;
}

/** What arrived on one receiving section so far. */
export interface ArrivedReport {
  readonly mid: string;
  readonly kind: string;
  readonly framesDecoded: number;
  readonly audioEnergy: number;
}

/** Something that happened on the page, with the page's own time. */
export interface Noted {
  readonly atMs: number;
  readonly what: string;
}

/** The page's side of an SDK test: one client, its room or call, and a book of everything that was opened. */
export class SdkLab {
  client: LodelineClient | undefined;
  room: Room | undefined;
  call: Call | undefined;
  /** Every track that a device gave. */
  readonly captured: MediaStreamTrack[] = [];
  readonly connections: RTCPeerConnection[] = [];
  readonly sockets: WebSocket[] = [];
  readonly notes: Noted[] = [];
  /** The steps of every plan, as the SDK told them. */
  readonly steps: PlanStep[] = [];
  /** Called with each step that is over, before the next one begins. */
  onStep: ((step: PlanStep) => void) | undefined;
  /** Called as soon as there is a room. */
  onJoined: ((room: Room) => void) | undefined;

  readonly #looking = new OffscreenCanvas(32, 18).getContext("2d", { willReadFrequently: true });

  note(what: string): void {
    this.notes.push({ atMs: performance.now(), what });
  }

  open(options: ClientOptions): LodelineClient {
    const client = createClient(options);
    this.client = client;
    client.on("error", (error) => this.note(`error ${error.message}`));
    client.on("step", (step) => {
      this.steps.push(step);
      this.onStep?.(step);
    });
    client.on("incoming", (call) => {
      this.note(`incoming ${call.identity}`);
      this.follow(call);
    });
    return client;
  }

  /** Joins, plays everybody, and notes what the room tells. @returns How long `join` took. */
  async join(client: ClientOptions, options: JoinOptions & { readonly admin?: boolean }): Promise<number> {
    const began = performance.now();
    const getToken = () => guestToken(String(client.url), options.room, options.name, options.admin);
    const access = client.token === undefined ? { getToken, ...client } : client;
    const room = await (this.client ?? this.open(access)).join(options);
    const tookMs = performance.now() - began;
    this.room = room;
    room.on("participant-joined", ({ participant }) => this.#play(participant));
    for (const participant of room.participants.values()) this.#play(participant);
    this.onJoined?.(room);
    room.on("standing", ({ participant, truth }) =>
      this.note(`standing ${participant.name} ${truth.source}: ${truth.words}`),
    );
    room.on("decryption", ({ participant, source, decryption }) =>
      this.note(`decryption ${participant.name} ${source}: ${decryption}`),
    );
    room.on("device", ({ source, problem }) => this.note(`device ${source} ${problem?.code ?? "works"}`));
    room.on("place-lost", ({ error }) => this.note(`place-lost ${error.code}`));
    room.on("removed", ({ error }) => this.note(`removed ${error.code}`));
    room.on("ended", ({ reason, receipt }) => this.note(`ended ${reason} ${receipt.clean}`));
    room.on("connection", ({ link, media }) => this.note(`connection ${link} ${media}`));
    return tookMs;
  }

  follow(call: Call): void {
    this.call = call;
    const sound = new Audio();
    const picture = document.createElement("video");
    document.body.append(picture);
    call.on("state", ({ state }) => this.note(`call ${state}`));
    call.on("message", (message) => this.note(`message ${String(message)}`));
    call.on("ended", ({ reason, receipt }) => this.note(`call ended ${reason} ${receipt.clean}`));
    call.onActive(({ remoteStream }) => {
      this.note("active");
      sound.srcObject = remoteStream;
      picture.srcObject = remoteStream;
      picture.muted = true;
      void sound.play();
      void picture.play();
      return () => {
        this.note("disposed");
        sound.srcObject = null;
        picture.remove();
      };
    });
  }

  tiles(): TileReport[] {
    return [...(this.room?.participants.values() ?? [])].map(({ name, sources }) => ({
      name,
      words: {
        microphone: sources.microphone.words,
        camera: sources.camera.words,
        screen: sources.screen.words,
        "screen-audio": sources["screen-audio"].words,
      },
    }));
  }

  /** What arrived on every connection that is open. */
  async arrived(): Promise<ArrivedReport[]> {
    const open = this.connections.filter((connection) => connection.connectionState !== "closed");
    const reports = await Promise.all(open.map((connection) => connection.getStats()));
    return reports.flatMap((report) =>
      [...report.values()]
        .filter((entry) => entry.type === "inbound-rtp")
        .map(({ mid, kind, framesDecoded, totalAudioEnergy }) => ({
          mid,
          kind,
          framesDecoded: framesDecoded ?? 0,
          audioEnergy: totalAudioEnergy ?? 0,
        })),
    );
  }

  /** The longest time between two new pictures of somebody's camera, within so much time from now, ms. */
  async longestGap(name: string, withinMs: number): Promise<number> {
    const participant = [...(this.room?.participants.values() ?? [])].find((one) => one.name === name);
    const [camera] = participant?.stream.getVideoTracks() ?? [];
    const shows = (stream: MediaProvider | null) =>
      stream instanceof MediaStream && stream.getVideoTracks()[0] === camera;
    const video = camera && [...document.querySelectorAll("video")].find(({ srcObject }) => shows(srcObject));
    if (!video) throw new Error(`no picture of ${name}`);
    const end = performance.now() + withinMs;
    let last = performance.now();
    let longest = 0;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      const next = () => {
        const now = performance.now();
        longest = Math.max(longest, now - last);
        last = now;
        if (now < end) video.requestVideoFrameCallback(next);
        else resolve(clearTimeout(timer));
      };
      video.requestVideoFrameCallback(next);
    });
    return Math.round(Math.max(longest, performance.now() - last));
  }

  /** States of everything that was ever opened. */
  opened(): { tracks: string[]; connections: string[] } {
    return {
      tracks: this.captured.map((track) => track.readyState),
      connections: this.connections.map((connection) => connection.connectionState),
    };
  }

  /** The mean brightness of what a video element paints now, 0 .. 255; undefined while it paints nothing, not even black. */
  brightnessOf(video: HTMLVideoElement): number | undefined {
    const context = this.#looking;
    if (!context) throw new Error("no canvas");
    context.clearRect(0, 0, 32, 18);
    context.drawImage(video, 0, 0, 32, 18);
    const { data } = context.getImageData(0, 0, 32, 18);
    if (data[3] === 0) return undefined;
    let sum = 0;
    for (let at = 0; at < data.length; at += 4) sum += (data[at] ?? 0) + (data[at + 1] ?? 0) + (data[at + 2] ?? 0);
    return Math.round(sum / (32 * 18 * 3));
  }

  #play(participant: RemoteParticipant): void {
    if (!this.room) return;
    const element = document.createElement("video");
    element.style.cssText = "width:320px;height:180px;display:inline-block";
    document.body.append(element);
    attachVideo(element, this.room, participant, "camera");
    const screen = document.createElement("video");
    screen.style.cssText = "width:320px;height:180px;display:inline-block";
    document.body.append(screen);
    attachVideo(screen, this.room, participant, "screen");
    attachAudio(new Audio(), this.room, participant);
  }
}

/** A token of an open server, with one identity for each tab, so that a reload is the same person. */
async function guestToken(server: string, room: string, name: string, admin = false): Promise<string> {
  const identity = sessionStorage.getItem("identity") ?? `guest-${crypto.randomUUID()}`;
  sessionStorage.setItem("identity", identity);
  const response = await fetch(`${server}/v1/token`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ room, identity, name, admin }),
  });
  const { token } = (await response.json()) as { token: string };
  return token;
}

declare global {
  /** The page's side of the test. */
  var lab: SdkLab;
}

globalThis.lab = new SdkLab();
keepBook(globalThis.lab);

/** Notes every device, connection and socket that is opened from now on. */
function keepBook(lab: SdkLab): void {
  const { mediaDevices } = navigator;
  for (const name of ["getUserMedia", "getDisplayMedia"] as const) {
    const original = mediaDevices[name].bind(mediaDevices);
    mediaDevices[name] = async (constraints) => {
      const stream = await original(constraints);
      lab.captured.push(...stream.getTracks());
      return stream;
    };
  }
  bookConnections((connection) => lab.connections.push(connection));
  globalThis.WebSocket = class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      lab.sockets.push(this);
    }
  };
}
