import type { ReplayStep, Source, Timers, Topology } from "@lodeline/protocol";
import type { NetworkFaults } from "./simulated-network.ts";
import type { Intent } from "./simulated-person-options.ts";
import type { PersonOptions } from "./world-options.ts";

/** Something that happens to a run at one moment. `who` is a host, `whom` an identity. */
export type Action =
  | { readonly do: "open"; readonly who: string; readonly enters: boolean; readonly asks?: Topology | undefined }
  | { readonly do: "cut"; readonly who: string; readonly how: "loud" | "silent" }
  | { readonly do: "offline"; readonly who: string; readonly forMs: number }
  | { readonly do: "weather"; readonly faults: NetworkFaults }
  /** Frames of the present socket wait this long, and then arrive in order. */
  | {
      readonly do: "stall";
      readonly who: string;
      readonly direction: "to-server" | "to-client" | "both";
      readonly forMs: number;
    }
  /** The media path of a host breaks. */
  | { readonly do: "path"; readonly who: string; readonly forMs: number }
  | { readonly do: "reload"; readonly who: string; readonly how: "pagehide" | "crash"; readonly awayMs: number }
  /** The page goes away and does not come back. */
  | { readonly do: "gone"; readonly who: string; readonly how: "pagehide" | "crash" }
  /** Nothing runs in the page. `asleep`: the whole machine, its network too; `stops`: its clock as well. */
  | {
      readonly do: "freeze";
      readonly who: string;
      readonly forMs: number;
      readonly asleep: boolean;
      readonly stops: boolean;
    }
  | { readonly do: "exit"; readonly who: string; readonly awayMs: number }
  | { readonly do: "source"; readonly who: string; readonly source: Source; readonly intent: Intent }
  /** What a page shows of another's source. */
  | {
      readonly do: "show";
      readonly who: string;
      readonly whom: string;
      readonly source: Source;
      readonly visible: boolean;
    }
  /** Messages of a client are lost, held or doubled above the link, this long, with this probability. */
  | {
      readonly do: "lose" | "hold" | "double";
      readonly who: string;
      readonly direction: "to-server" | "to-client";
      readonly probability: number;
      readonly forMs: number;
    }
  | { readonly do: "afflict"; readonly who: string; readonly source: Source; readonly ailment: "republish" }
  | {
      readonly do: "afflict-forwarder";
      readonly nth: number;
      readonly ailment: Extract<ReplayStep, "key-frame" | "reset-forwarder" | "renegotiate">;
    }
  /** A black hole, which ICE does not notice, on all paths of a host or on the one to `whom`. */
  | { readonly do: "swallow"; readonly who: string; readonly whom?: string | undefined }
  | { readonly do: "mute-other" | "allow-other"; readonly who: string; readonly whom: string; readonly source: Source }
  | { readonly do: "remove-other"; readonly who: string; readonly whom: string }
  | {
      readonly do: "role-other";
      readonly who: string;
      readonly whom: string;
      readonly role: "viewer" | "speaker" | "moderator";
    }
  | { readonly do: "lock"; readonly who: string; readonly locked: boolean }
  | { readonly do: "end-room"; readonly who: string }
  /** Every token of a person that was made so far has run out. */
  | { readonly do: "expire-token"; readonly whom: string }
  /** The server dies at once, and a new process begins later. `silent`: the machine is gone, and nobody is told. */
  | { readonly do: "kill-server"; readonly how: "loud" | "silent"; readonly downMs: number }
  /** The server is stopped politely, and a new process begins later. */
  | { readonly do: "drain-server"; readonly downMs: number }
  | {
      readonly do: "call";
      readonly who: string;
      readonly whom: string;
      readonly audio: boolean;
      readonly video: boolean;
    }
  | { readonly do: "hangup"; readonly who: string; readonly whom: string };

/** A whole run: who takes part, and what happens when. Plain data: a failure is kept as it was, whatever becomes of seeds. */
export interface Schedule {
  /** All chance of the run: what delays, device moods and steps come to. */
  readonly seed: number;
  readonly kind: "sfu" | "mesh" | "call";
  readonly topology: Topology;
  readonly people: readonly { readonly host: string; readonly options: PersonOptions }[];
  /** In order of time. */
  readonly actions: readonly { readonly atMs: number; readonly action: Action }[];
  /** When faults stop: the network is clean, everybody online, and nothing more happens. */
  readonly healAtMs: number;
  /** Timers that differ from `DEFAULT_TIMERS`. */
  readonly timers?: Partial<Timers> | undefined;
  /** At most so many in the room. */
  readonly maxParticipants?: number | undefined;
  /** The server has a disk, on which a save takes up to this long. */
  readonly storage?: { readonly commitMs: number } | undefined;
}
