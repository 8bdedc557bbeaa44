import { type Clock, LodelineError } from "@lodeline/base";
import type { Offer, Signal, Timers } from "@lodeline/protocol";
import type { RoomInput, RoomState } from "@lodeline/room";
import type { SessionEvent } from "@lodeline/session";
import { errorMessage } from "@lodeline/signaling";
import type { HubEvents, SessionObserver } from "./hub-types.ts";
import type { JoinDesk, Joined } from "./join-desk.ts";
import type { LinkHost } from "./link-host.ts";
import { offeredVideoCodecs } from "./offered-codecs.ts";
import type { HubPorts } from "./ports.ts";
import { tellSession } from "./session-told.ts";
import { SFU, SfuSession } from "./sfu-session.ts";

/** What {@link RoomSessions} needs of its room. */
export interface RoomSessionsOptions {
  readonly room: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly ports: Pick<HubPorts, "media">;
  readonly observe?: { readonly session?: SessionObserver } | undefined;
  link(id: string): LinkHost | undefined;
  /** Takes a session id for the whole hub; `false` when it is in use. */
  takeSession(session: string): boolean;
  giveSession(session: string): void;
  emit<Name extends keyof HubEvents>(name: Name, event: HubEvents[Name]): void;
  readonly joins: JoinDesk;
  /** The room as it is now. */
  state(): RoomState;
  feed(input: RoomInput): void;
}

/** The server's ends of the media sessions in one room: opened by a join or an offer, told of to the room. */
export class RoomSessions implements Disposable {
  readonly #options: RoomSessionsOptions;
  readonly #sessions = new Map<string, SfuSession>();

  constructor(options: RoomSessionsOptions) {
    this.#options = options;
  }

  /** Those that are not down yet. */
  get size(): number {
    return this.#sessions.size;
  }

  /** A join brought an offer: `joined` waits for its answer. */
  join(host: LinkHost, joined: Joined, session: string, offer: Offer): void {
    const { participant } = joined;
    this.#options.joins.wait(host, joined, session);
    const made = this.#open(host, participant, session);
    if (!made) this.#refuse(participant, session);
    // Number 0: the offer rode in the join and stands outside the participant's own count.
    else made.signal({ session, epoch: 1, seq: 0, body: { kind: "offer", offer } });
  }

  /** A member says something to the server's end of its media session. */
  signal(host: LinkHost, participant: string, signal: Signal): void {
    const { session, body } = signal;
    const known = this.#sessions.get(session);
    const { places, snapshot } = this.#options.state();
    const place = places[participant];
    if (place?.link !== host.id) return host.deliver(errorMessage(new LodelineError("room/not-member")));
    if (known?.key.participant === participant) return known.signal(signal);
    if (snapshot.topology !== "sfu")
      return host.deliver(errorMessage(new LodelineError("room/topology", { field: "to" })));
    if (body.kind !== "offer" && body.kind !== "negotiation-needed") return;
    // A member that joined without an offer may make one later; any other session is over by now, and that is said.
    if (body.kind === "offer" && place.media.session === undefined) {
      const made = this.#open(host, participant, session);
      if (made) made.signal(signal);
      else host.deliver(errorMessage(taken()));
    } else this.#sayOver(participant, session);
  }

  /** The room has no more use for a session: runs its stop plan. */
  end(session: string): void {
    this.#sessions.get(session)?.end("left");
  }

  [Symbol.dispose](): void {
    for (const session of this.#sessions.values()) session[Symbol.dispose]();
    this.#sessions.clear();
  }

  #open(host: LinkHost, participant: string, session: string): SfuSession | undefined {
    const { room, clock, timers, ports, observe, takeSession, feed } = this.#options;
    if (!ports.media || !takeSession(session)) return undefined;
    const made = new SfuSession({
      key: { room, participant, session },
      clock,
      timers,
      port: ports.media,
      observe: observe?.session,
      send: (signal) => this.#fromSfu(participant, signal),
      answered: ({ sends, receives, sdp }) => {
        const videoCodecs = offeredVideoCodecs(sdp);
        feed({ kind: "connection", participant, session, sends, receives, videoCodecs });
      },
      failed: (error) => this.#failed(host, participant, session, error),
      transport: (state) => feed({ kind: "connection", participant, session, state }),
      event: (event) => this.#event(participant, event),
      over: () => this.#over(participant, session),
    });
    this.#sessions.set(session, made);
    made.begin();
    return made;
  }

  /**
   * The session of a join cannot be: mostly its own earlier one, of a join that is said again over a new link, which is on
   * its way down. Its client is told that it is over, and makes another.
   */
  #refuse(participant: string, session: string): void {
    this.#options.joins.release(participant, taken());
    this.#sayOver(participant, session);
  }

  #sayOver(participant: string, session: string): void {
    this.#say(participant, { session, epoch: 0, seq: 0, body: { kind: "hangup", reason: "remote-gone" } });
  }

  /** The first answer goes with the `joined` that waits for it; everything else is a signal. */
  #fromSfu(participant: string, signal: Signal): void {
    const { session, body } = signal;
    const carried = body.kind === "answer" && this.#options.joins.answered(participant, session, body.sdp);
    if (!carried) this.#say(participant, signal);
  }

  #say(participant: string, signal: Signal): void {
    const place = this.#options.state().places[participant];
    const host = place && this.#options.link(place.link);
    host?.deliver({ type: "signal", scope: "room", from: SFU, signal });
  }

  /** The participant is in the room all the same, listening to nothing; the error names what could not be used. */
  #failed(host: LinkHost, participant: string, session: string, error: LodelineError): void {
    this.#options.emit("refused", { link: host.id, identity: host.identity, error });
    if (this.#options.joins.failed(participant, session, error)) return;
    if (host.membership?.participant === participant) host.deliver(errorMessage(error));
  }

  #event(participant: string, event: SessionEvent): void {
    const { room, emit } = this.#options;
    tellSession(emit, { room, participant }, event);
  }

  #over(participant: string, session: string): void {
    this.#sessions.delete(session);
    this.#options.giveSession(session);
    this.#options.joins.failed(participant, session, undefined);
    this.#options.feed({ kind: "connection", participant, session, state: "closed" });
  }
}

function taken(): LodelineError {
  return new LodelineError("protocol/out-of-turn", {
    detail: "This session id is in use.",
    field: "session.session",
  });
}
