import {
  attachAudio,
  attachVideo,
  createClient,
  type LodelineClient,
  type RemoteParticipant,
  type Room,
} from "@lodeline/client";
import { OwnDevices, whoseColour } from "./own-devices.ts";
import { ConnectionBook, FrameCounter, type Rise } from "./probe.ts";
import { type Sample, type SampleRow, SOAK_SOURCES, type SoakSource } from "./sample.ts";

/** How a person comes. */
export interface Arrival {
  readonly url: string;
  readonly room: string;
  readonly name: string;
  readonly index: number;
  readonly moderator: boolean;
  readonly topology: "sfu" | "mesh";
}

/** What a page can be made to do. */
export interface RoomLab {
  /** Joins, sends, plays everybody. Ends when the server has answered. */
  join(arrival: Arrival): Promise<void>;
  act(what: PersonAct): Promise<void>;
  moderate(what: "mute" | "allow", name: string, source: SoakSource): Promise<void>;
  notes(): readonly string[];
}

/** Something a person does. */
export type PersonAct =
  | "mute microphone"
  | "unmute microphone"
  | "mute camera"
  | "unmute camera"
  | "camera off"
  | "camera on"
  | "pull camera"
  | "cut link"
  | "leave";

interface Tile {
  readonly participant: RemoteParticipant;
  readonly video: HTMLVideoElement;
  readonly frames: FrameCounter;
  detach(): void;
}

declare global {
  /** Given by whoever drives the page. */
  var hearSample: (sample: Sample) => Promise<void>;
  /** The page's side. */
  var roomLab: RoomLab;
}

const book = new ConnectionBook();
book.install();
const sockets: WebSocket[] = [];
globalThis.WebSocket = class extends WebSocket {
  constructor(url: string | URL, protocols?: string | string[]) {
    super(url, protocols);
    sockets.push(this);
  }
};

const notes: string[] = [];
const tiles = new Map<string, Tile>();
let devices: OwnDevices | undefined;
let client: LodelineClient | undefined;
let room: Room | undefined;
let name = "";

function note(what: string): void {
  notes.push(`${new Date().toISOString().slice(11, 23)} ${what}`);
  if (notes.length > 200) notes.shift();
}

function showTile(participant: RemoteParticipant): void {
  if (!room) return;
  tiles.get(participant.id)?.detach();
  const video = document.createElement("video");
  video.style.cssText = "width:160px;height:120px";
  document.body.append(video);
  const attached = [
    attachVideo(video, room, participant, "camera"),
    attachAudio(new Audio(), room, participant, "microphone"),
  ];
  const detach = () => {
    for (const one of attached) one[Symbol.dispose]();
    video.remove();
  };
  tiles.set(participant.id, { participant, video, frames: new FrameCounter(video), detach });
}

function dropTile(id: string): void {
  tiles.get(id)?.detach();
  tiles.delete(id);
}

function follow(joined: Room): void {
  room = joined;
  for (const id of [...tiles.keys()]) dropTile(id);
  for (const participant of joined.participants.values()) showTile(participant);
  joined.on("participant-joined", ({ participant }) => {
    note(`${participant.name} came`);
    showTile(participant);
  });
  joined.on("participant-left", ({ participant, reason }) => {
    note(`${participant.name} left: ${reason}`);
    dropTile(participant.id);
  });
  joined.on("standing", ({ participant, truth }) => note(`${participant.name} ${truth.source}: ${truth.words}`));
  joined.on("connection", ({ link, media }) => note(`link ${link}, media ${media}`));
  joined.on("device", ({ source, problem }) => note(`device ${source} ${problem?.code ?? "works"}`));
  joined.on("removed", ({ error }) => note(`removed: ${error.code}`));
  joined.on("ended", ({ reason }) => note(`ended: ${reason}`));
}

async function tokenOf({ url, room: wanted, name: own, moderator }: Arrival): Promise<string> {
  const identity = sessionStorage.getItem("identity") ?? `guest-${crypto.randomUUID()}`;
  sessionStorage.setItem("identity", identity);
  const response = await fetch(`${url}/v1/token`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ room: wanted, identity, name: own, admin: moderator }),
  });
  return ((await response.json()) as { token: string }).token;
}

const ACTS: Readonly<Record<PersonAct, (joined: Room) => unknown>> = {
  "mute microphone": ({ microphone }) => microphone.mute(),
  "unmute microphone": ({ microphone }) => microphone.unmute(),
  "mute camera": ({ camera }) => camera.mute(),
  "unmute camera": ({ camera }) => camera.unmute(),
  "camera off": ({ camera }) => camera.off(),
  "camera on": ({ camera }) => camera.on(),
  "pull camera": () => devices?.pullCameras(),
  // As the network's end of a connection: the page learns it as a close without a word.
  "cut link": () => sockets.at(-1)?.close(),
  leave: (joined) => joined.leave(),
};

globalThis.roomLab = {
  async join(arrival) {
    name = arrival.name;
    if (!devices) {
      devices = new OwnDevices(arrival.index);
      devices.install();
    }
    client ??= createClient({ url: arrival.url, getToken: () => tokenOf(arrival) });
    client.on("error", (error) => note(`error ${error.message}`));
    const { room: wanted, name: own, topology } = arrival;
    follow(await client.join({ room: wanted, name: own, topology, microphone: true, camera: true }));
  },
  async act(what) {
    if (!room) throw new Error("not in the room");
    note(`does: ${what}`);
    await ACTS[what](room);
  },
  async moderate(what, whom, source) {
    const participant = [...(room?.participants.values() ?? [])].find((one) => one.name === whom);
    if (participant) await room?.moderate({ kind: what, participant: participant.id, source });
  },
  notes: () => notes,
};

const scratch = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

async function sample(second: number): Promise<void> {
  const rises = await book.read();
  const lateMs = Date.now() - second * 1000;
  const words = new Map((room?.ledger() ?? []).map((row) => [`${row.from}:${row.source}>${row.to}`, row.standing]));
  const self = room?.joined ? room.self.id : undefined;
  const rows: SampleRow[] = [];
  for (const tile of tiles.values()) {
    const { participant } = tile;
    const shown = tile.frames.take();
    for (const source of SOAK_SOURCES) {
      const track = participant.sources[source].track;
      const rise: Rise | undefined = track && rises.get(track.id);
      rows.push({
        from: participant.name,
        source,
        row: words.get(`${participant.id}:${source}>${self}`) ?? "none",
        tile: participant.sources[source].words,
        ...(rise ?? { packets: 0, framesDecoded: 0, heardMs: 0, audioEnergy: 0 }),
        framesShown: source === "camera" ? shown.framesShown : 0,
        firstShownAtMs: source === "camera" ? shown.firstShownAtMs : undefined,
        shows: source === "camera" && scratch ? whoseColour(tile.video, scratch) : undefined,
      });
    }
  }
  const { link = "none", media = "none" } = room?.connection ?? {};
  if (name !== "") await globalThis.hearSample?.({ name, second, lateMs, link, media, self, rows });
}

function plan(): void {
  const second = Math.floor(Date.now() / 1000) + 1;
  setTimeout(
    () => {
      void sample(second);
      plan();
    },
    second * 1000 - Date.now(),
  );
}
plan();
