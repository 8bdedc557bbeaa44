import type { Hub } from "@lodeline/hub";
import type { ParticipantEvents } from "@lodeline/participant";
import type { Standing } from "@lodeline/protocol";
import { STANDING_EDGES } from "@lodeline/room";
import { SESSION_EDGES, type SessionEvent } from "@lodeline/session";
import type { SimulatedPerson } from "./simulated-person.ts";
import { brief } from "./trace.ts";

/** What {@link Observer} needs. */
export interface ObserverOptions {
  /** Told what must not happen. */
  violation(text: string): void;
  /** Keeps a line of the trace, if there is one. */
  note(who: string, what: () => string): void;
  readonly trace: boolean;
  /** Counts the steps of replays, by name. */
  readonly replays: Map<string, number>;
  /** Told when a track begins to be expected at a receiver, and when a receiver's link is back: LEDG17. */
  pending(): void;
}

/** Watches people and servers of a world: knows which transitions are legal, and writes the trace. */
export class Observer {
  readonly #options: ObserverOptions;
  readonly #standings = new Map<string, Standing>();

  constructor(options: ObserverOptions) {
    this.#options = options;
  }

  /** A participant has told something. */
  person<Name extends keyof ParticipantEvents>(
    { host, page }: SimulatedPerson,
    name: Name,
    event: ParticipantEvents[Name],
  ): void {
    const { note } = this.#options;
    if (name === "session") {
      const { key, event: of } = event as ParticipantEvents["session"];
      this.#session(`${host} ${key}`, of);
    } else if (name === "standing") {
      const { publication, standing } = event as ParticipantEvents["standing"];
      this.#standing(`${host}.${page} ${publication}`, standing);
      note(host, () => `standing ${publication} ${standing}`);
    } else if (name !== "slots" && name !== "changed") {
      // The room gives what a receiver misses a new window when its link is back, for it cannot know of any before.
      if (name === "link" && (event as ParticipantEvents["link"]).state === "open") this.#options.pending();
      note(host, () => `${name} ${brief(event)}`);
    }
  }

  /** A process of the server begins: it is watched from now on. */
  server(hub: Hub): void {
    const { note, trace, replays } = this.#options;
    hub.on("session", (event) => this.#edge(`server ${event.session}`, event.previous, event.state));
    hub.on("replay", ({ subscription, step, why }) => {
      replays.set(step, (replays.get(step) ?? 0) + 1);
      note("server", () => `replay ${step} for ${subscription}: ${why}`);
    });
    if (!trace) return;
    for (const name of ["link", "joined", "left", "refused", "call", "room"] as const) {
      hub.on(name, (event) => note("server", () => `${name} ${brief(event)}`));
    }
    hub.on("session", (event) => note("server", () => `session ${brief(event)}`));
  }

  #session(who: string, event: SessionEvent): void {
    const { note } = this.#options;
    if (event.kind === "stateChanged") {
      this.#edge(who, event.previous, event.state);
      note(who, () => `${event.session} ${event.previous} -> ${event.state} (${event.reason})`);
    } else if (event.kind === "ended" && !event.receipt.clean) {
      note(who, () => `receipt not clean: ${event.receipt.left.join(" ")}`);
    } else if (event.kind !== "step") {
      note(who, () => brief(event));
    }
  }

  #edge(who: string, previous: string, state: string): void {
    const edges: Partial<Record<string, readonly string[]>> =
      SESSION_EDGES[previous as keyof typeof SESSION_EDGES] ?? {};
    const legal = Object.values(edges).some((to) => to?.includes(state));
    if (!legal) this.#options.violation(`illegal transition of ${who}: ${previous} -> ${state}`);
  }

  #standing(row: string, standing: Standing): void {
    const before = this.#standings.get(row) ?? "off";
    this.#standings.set(row, standing);
    if (before === standing) return;
    if (standing === "pending") this.#options.pending();
    if (!STANDING_EDGES[before].includes(standing)) {
      this.#options.violation(`illegal standing of ${row}: ${before} -> ${standing}`);
    }
  }
}
