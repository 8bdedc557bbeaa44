import type { Source, SourceState } from "@lodeline/protocol";
import type { LodelineServer } from "@lodeline/server";
import type { SdkLab } from "./sdk-page-script.ts";
import type { Person } from "./sdk-person.ts";

/** What one end believes of a room, and what really arrives there. */
export interface Belief {
  readonly link: string;
  readonly self: string;
  /** `name source intent`, of everybody, sorted. */
  readonly sources: readonly string[];
  /** Presence of the others, by name. */
  readonly presence: Readonly<Record<string, string>>;
  /** What tiles say of what is intended live. */
  readonly words: readonly string[];
  /** Standings of the rows of what is received here. */
  readonly rows: readonly string[];
  /** Sections that decoded something within the last quarter of a second. */
  readonly flowing: { readonly audio: number; readonly video: number };
  readonly sockets: number;
  readonly connections: number;
}

/** What is expected of everybody's microphone and camera. */
export type Expected = Readonly<Record<string, Partial<Record<Source, SourceState["intent"]>>>>;

const SOURCES = ["microphone", "camera"] as const;

/** Runs on the page: reads what it believes, and what its decoders count. */
export async function readBelief(lab: SdkLab): Promise<Belief> {
  const { room } = lab;
  /** What each section had decoded, and when that last grew: between two pictures there are many readings. */
  const counts = (lab as { counts?: Map<string, { count: number; grewAtMs: number }> }).counts ?? new Map();
  Object.assign(lab, { counts });
  const flowing = { audio: 0, video: 0 };
  for (const [index, connection] of lab.connections.entries()) {
    if (connection.connectionState === "closed") continue;
    for (const entry of (await connection.getStats()).values()) {
      if (entry.type !== "inbound-rtp") continue;
      const id = `${index} ${entry.id}`;
      const played = (entry.jitterBufferEmittedCount ?? 0) - (entry.concealedSamples ?? 0);
      const count: number = entry.kind === "video" ? (entry.framesDecoded ?? 0) : played;
      const before = counts.get(id) ?? { count: 0, grewAtMs: Number.NEGATIVE_INFINITY };
      const now = performance.now();
      const grewAtMs = count > before.count ? now : before.grewAtMs;
      counts.set(id, { count, grewAtMs });
      if (now - grewAtMs < 250) flowing[entry.kind as "audio" | "video"]++;
    }
  }
  const others = room?.joined ? [...room.participants.values()] : [];
  const own = room?.self.name ?? "";
  const intentOf = (state: string) => (state === "live" || state === "muted" ? state : "unpublished");
  const sources = others.flatMap((one) =>
    (["microphone", "camera"] as const).map((source) => `${one.name} ${source} ${one.sources[source].intent}`),
  );
  if (room?.joined) {
    sources.push(
      `${own} microphone ${intentOf(room.microphone.state)}`,
      `${own} camera ${intentOf(room.camera.state)}`,
    );
  }
  return {
    link: lab.client?.link ?? "none",
    self: room?.self.id ?? "",
    sources: sources.sort(),
    presence: Object.fromEntries(others.map((one) => [one.name, one.presence])),
    words: others.flatMap((one) =>
      Object.values(one.sources)
        .filter(({ intent, mutedBy }) => intent === "live" && mutedBy === null)
        .map(({ words }) => words),
    ),
    rows: (room?.joined ? room.ledger() : []).filter(({ to }) => to === room?.self.id).map(({ standing }) => standing),
    flowing,
    sockets: lab.sockets.length,
    connections: lab.connections.length,
  };
}

/** What keeps the server and all pages from agreeing with what is expected; `undefined` when they do. */
export async function disagreement(
  server: LodelineServer,
  room: string,
  people: ReadonlyMap<string, Person>,
  expected: Expected,
): Promise<string | undefined> {
  const view = server.hub.room(room);
  const wanted = Object.entries(expected)
    .flatMap(([name, media]) => SOURCES.map((source) => `${name} ${source} ${media[source] ?? "unpublished"}`))
    .sort();
  const present = view?.snapshot.participants ?? [];
  const kept = present
    .flatMap(({ name, media }) => SOURCES.map((source) => `${name} ${source} ${media.sources[source].intent}`))
    .sort();
  if (String(kept) !== String(wanted)) return `server: ${kept}`;
  if (present.some(({ presence }) => presence !== "connected")) return "server: somebody is suspect";
  const missing = view?.ledger.filter(({ standing }) => standing !== "received" && standing !== "off") ?? [];
  if (missing.length > 0) return `server: ${missing.map((row) => `${row.subscription} ${row.standing}`)}`;
  const beliefs = await Promise.all([...people.values()].map((person) => person.run(readBelief)));
  for (const [at, name] of [...people.keys()].entries()) {
    const belief = beliefs[at];
    if (!belief) return `${name} says nothing`;
    const gone = expected[name] === undefined;
    if (gone && belief.sources.length === 0) continue;
    if (belief.link !== "open") return `${name}: link ${belief.link}`;
    if (String(belief.sources) !== String(wanted)) return `${name}: ${belief.sources}`;
    if (Object.values(belief.presence).some((one) => one !== "connected")) return `${name}: somebody is suspect`;
    if (belief.words.some((word) => word !== "live")) return `${name}: ${belief.words}`;
    if (belief.rows.some((row) => row !== "received" && row !== "off")) return `${name}: rows ${belief.rows}`;
    const others = Object.entries(expected).filter(([other]) => other !== name);
    const live = (source: Source) => others.filter(([, media]) => media[source] === "live").length;
    const { audio, video } = belief.flowing;
    if (audio < live("microphone") || video < live("camera")) return `${name}: flowing ${audio} ${video}`;
  }
  return undefined;
}
