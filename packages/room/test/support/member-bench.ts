import {
  type ClientMessage,
  DEFAULT_TIMERS,
  type LedgerRow,
  type Pair,
  type ParticipantInfo,
  type RoomEvent,
  type RoomSnapshot,
  type ServerMessage,
  type Sources,
  type Topology,
} from "@lodeline/protocol";
import {
  createMember,
  type JoinOffer,
  type MemberEffect,
  type MemberInput,
  type MemberState,
  type Mirror,
  NO_SOURCES,
} from "@lodeline/room";
import { Bench, only, sections, sourcesWith } from "./bench.ts";

const INTENTS = { microphone: "live", camera: "live", screen: "unpublished", "screen-audio": "unpublished" } as const;
export const OFFER: JoinOffer = { session: "s1", offer: { sdp: "v=0", ...sections(1, 1) } };

export function person(
  id: string,
  sources: Sources = NO_SOURCES,
  more: Partial<ParticipantInfo> = {},
): ParticipantInfo {
  const media = { revision: 1, sources };
  return { id, incarnation: 1, identity: id, name: id, role: "speaker", presence: "connected", media, ...more };
}

export const ME = person("me", sourcesWith({ microphone: "live", camera: "live" }));

/** A member on a bench, with the server's part played by the test. */
export class MemberBench extends Bench<MemberState, MemberInput, MemberEffect> {
  readonly topology: Topology;
  #seq = 5;

  constructor(topology: Topology = "mesh") {
    super(createMember({ timers: DEFAULT_TIMERS, commandPrefix: "x" }));
    this.topology = topology;
    this.feed({ kind: "link", open: true });
  }

  ask(more: Partial<Extract<MemberInput, { kind: "join" }>> = {}): readonly MemberEffect[] {
    const offer = this.topology === "sfu" ? OFFER : undefined;
    return this.feed({ kind: "join", room: "r", name: "Me", intents: INTENTS, offer, ...more });
  }

  room(...others: ParticipantInfo[]): RoomSnapshot {
    const pairs: Pair[] =
      this.topology === "sfu"
        ? []
        : others.map((one) => ({ a: "me", b: one.id, session: `me.${one.id}`, initiatorId: "me" }));
    return { room: "r", topology: this.topology, locked: false, participants: [...others, ME], pairs };
  }

  joined(room: RoomSnapshot, more: Partial<Extract<ServerMessage, { type: "joined" }>> = {}): readonly MemberEffect[] {
    const { phase } = this.state;
    return this.hears({
      type: "joined",
      id: phase.kind === "joining" ? phase.command : "none",
      participant: "me",
      incarnation: 1,
      rejoinToken: "token1",
      seq: this.#seq,
      room,
      iceServers: [],
      receiptWindowMs: 2_000,
      suspectMs: 5_000,
      leaseMs: 15_000,
      ...more,
    });
  }

  /** In a room with these others. */
  inside(...others: ParticipantInfo[]): this {
    this.ask();
    this.joined(this.room(...others));
    this.take();
    return this;
  }

  hears(message: ServerMessage): readonly MemberEffect[] {
    return this.feed({ kind: "message", message });
  }

  get mirror(): Mirror {
    const { phase } = this.state;
    if (phase.kind !== "in") throw new Error(`it is ${phase.kind}`);
    return phase.mirror;
  }

  /** The next event, or with `skip` one after a gap. */
  event(event: RoomEvent, skip = 0): readonly MemberEffect[] {
    this.#seq += 1 + skip;
    return this.hears({ type: "room-event", room: "r", events: [{ seq: this.#seq, at: 0, event }] });
  }

  media(participant: string, sources: Sources, revision = 2): readonly MemberEffect[] {
    return this.event({ kind: "media-state", participant, media: { revision, sources } });
  }
}

export function sent<T extends ClientMessage["type"]>(effects: readonly MemberEffect[], type: T) {
  return only(effects, "send").flatMap(({ message }) =>
    message.type === type ? [message as Extract<ClientMessage, { type: T }>] : [],
  );
}

export function row(publication: string, to: string, received: boolean): LedgerRow {
  const [from = "", source = "camera"] = publication.split(":");
  const fact = (value: boolean) => ({ value, version: 1, at: 0 });
  return {
    subscription: `${publication}>${to}`,
    publication,
    from,
    to,
    source: source as LedgerRow["source"],
    standing: received ? "received" : "pending",
    facts: {
      intended: fact(true),
      captured: fact(true),
      sent: fact(true),
      forwarded: fact(true),
      received: fact(received),
    },
    replay: null,
  };
}

export const CAMERA = sourcesWith({ camera: "live" });
