import type { ReplayStep, Standing, Topology } from "@lodeline/protocol";

/** What a receiver has of one publication (the names stand in requirement R1.2#19). */
export type ReceiverState = "Connected" | "LiveMedia" | "ReplayRequested";

/** The receiver state that a standing amounts to. */
export const RECEIVER_STATE_OF: Readonly<Record<Standing, ReceiverState>> = {
  off: "Connected",
  pending: "Connected",
  received: "LiveMedia",
  missing: "ReplayRequested",
};

/**
 * How a row's standing may change. Nothing is `missing` that was not expected before, but for what its receiver has said
 * that it cannot read; `pending` again means that a new
 * session or a returned link opened a new receipt window.
 */
export const STANDING_EDGES: Readonly<Record<Standing, readonly Standing[]>> = {
  off: ["pending", "received", "missing"],
  pending: ["off", "received", "missing"],
  received: ["off", "missing", "pending"],
  missing: ["off", "received", "pending"],
};

/**
 * Where a subscription is broken, as far as the facts tell, from the sender to the receiver.
 * `told`: the receiver has not heard all; `capture`: the sender sends nothing; `sender-transport` and
 * `receiver-transport`: a connection to the server is down; `uplink`: sent, but nothing arrives; `slot`: the receiver has
 * no receive slot for it; `forwarder`: arrives, but nothing leaves; `downlink`: leaves, but is not received;
 * `pair-setup`: the pair never agreed on a session; `pair-path`: its transport is down, or drops everything in silence;
 * `pair`: the pair carries something, but not this.
 */
export type Hop =
  | "told"
  | "capture"
  | "sender-transport"
  | "receiver-transport"
  | "uplink"
  | "slot"
  | "forwarder"
  | "downlink"
  | "pair-setup"
  | "pair-path"
  | "pair";

/**
 * The steps that can help at each hop, smallest first; others are skipped. At run time more are skipped: a key frame for
 * audio, and every step that would touch what works for somebody else.
 */
export const REPLAY_LADDERS: Readonly<Record<Topology, Readonly<Partial<Record<Hop, readonly ReplayStep[]>>>>> = {
  sfu: {
    told: ["tell-again"],
    capture: ["republish"],
    "sender-transport": ["restart-ice", "new-session"],
    "receiver-transport": ["restart-ice", "new-session"],
    uplink: ["republish", "restart-ice", "new-session"],
    slot: ["renegotiate", "new-session"],
    forwarder: ["key-frame", "reset-forwarder", "renegotiate", "republish", "restart-ice", "new-session"],
    downlink: ["key-frame", "reset-forwarder", "renegotiate", "republish", "restart-ice", "new-session"],
  },
  mesh: {
    told: ["tell-again"],
    capture: ["republish"],
    "pair-setup": ["tell-again", "new-session"],
    "pair-path": ["restart-ice", "new-session"],
    pair: ["renegotiate", "republish", "restart-ice", "new-session"],
  },
};

/**
 * The same where this track is the only one of its connection, which so carries nothing at all: track and path look the
 * same from here. An ICE restart disturbs nobody then, and it is a negotiation as well, so it takes that one's place.
 */
export const LONE_LADDERS: typeof REPLAY_LADDERS = {
  sfu: { downlink: ["key-frame", "reset-forwarder", "restart-ice", "republish", "new-session"] },
  mesh: { pair: ["republish", "restart-ice", "new-session"] },
};

/** How long each step may take to help before the next is tried, ms. */
export const DEFAULT_REPLAY_WAIT_MS: Readonly<Record<ReplayStep, number>> = {
  "tell-again": 500,
  "key-frame": 700,
  "reset-forwarder": 800,
  renegotiate: 1_000,
  republish: 1_500,
  "restart-ice": 4_000,
  "new-session": 8_000,
};
