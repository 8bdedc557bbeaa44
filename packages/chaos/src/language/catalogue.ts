/** How the value of a parameter is written. */
export type ParameterKind =
  /** Nothing after its name: it is there or not. */
  | "flag"
  /** `5%`, or `0.05`. */
  | "share"
  /** `30ms`, `5s`, `2m`. */
  | "duration"
  /** Bytes: `1500`, `2k`, `1M` (1024s). */
  | "size"
  /** `64kbps`, `1.5Mbps`. */
  | "bitrate"
  /** A whole number from 0. */
  | "count"
  /** One of {@link Parameter.words}. */
  | "word"
  /** Anything; signs that the language itself uses are written as in URLs (`%2C`). */
  | "text";

/** One parameter of a fault. */
export interface Parameter {
  readonly name: string;
  readonly kind: ParameterKind;
  readonly what: string;
  /** For the kind `word`. */
  readonly words?: readonly string[];
}

/** One fault that can be asked for. */
export interface CatalogueEntry {
  readonly name: string;
  readonly what: string;
  /** Who performs it: the server (and what stands before it), or the page itself. */
  readonly at: "server" | "page";
  readonly parameters: readonly Parameter[];
  /** At least one of these has to be given. */
  readonly needs: readonly string[];
  readonly example: string;
}

const WAYS = ["up", "down", "both"] as const;
const DEVICES = ["camera", "microphone", "screen"] as const;
const SEED = { name: "seed", kind: "count", what: "Repeats what chance decided before." } as const;

/** Every fault there is: the help of the command line, the page's developer panel and the parser read this table. */
export const FAULT_CATALOGUE: readonly CatalogueEntry[] = [
  {
    name: "msg",
    what: "Loses, holds or doubles messages above the link: the link itself notices nothing.",
    at: "server",
    parameters: [
      { name: "lose", kind: "flag", what: "They never arrive." },
      { name: "hold", kind: "duration", what: "They arrive this much later; others overtake them." },
      { name: "double", kind: "flag", what: "They arrive twice." },
      { name: "to", kind: "word", words: ["client", "server"], what: "Direction; both when left out." },
      {
        name: "who",
        kind: "text",
        what: "Identity, participant or link at the client's end; everybody when left out.",
      },
      { name: "type", kind: "text", what: "Message type, such as room-event; any when left out." },
      { name: "event", kind: "text", what: "Only a room-event that holds an event of this kind." },
      { name: "index", kind: "count", what: "Only the message of this number on its link and direction, from 0." },
      { name: "nth", kind: "count", what: "Begins with the n-th that fits, from 1. Default 1." },
      { name: "count", kind: "count", what: "How many. Default 1." },
    ],
    needs: ["lose", "hold", "double"],
    example: "msg:lose,to=client,type=joined",
  },
  {
    name: "tcp",
    what: "Faults of the connections that carry links. Nothing is ever doubled; what is cut off is gone.",
    at: "server",
    parameters: [
      { name: "cut", kind: "size", what: "Breaks connections at random byte offsets, this far apart on average." },
      { name: "cuts", kind: "count", what: "Ends after so many cuts. Default: never." },
      { name: "delay", kind: "duration", what: "Every byte arrives this much later." },
      { name: "stall", kind: "word", words: WAYS, what: "Nothing moves this way, and nothing breaks." },
      { name: "rate", kind: "bitrate", what: "At most this much, on each connection and each way." },
      { name: "refuse", kind: "flag", what: "New connections are closed at once." },
      SEED,
    ],
    needs: ["cut", "delay", "stall", "rate", "refuse"],
    example: "tcp:cut=4k,cuts=20",
  },
  {
    name: "udp",
    what: "Faults of media on its way between clients and the server.",
    at: "server",
    parameters: [
      { name: "way", kind: "word", words: WAYS, what: "Which way the other parameters count. Default both." },
      { name: "loss", kind: "share", what: "Share of datagrams that never arrive." },
      { name: "delay", kind: "duration", what: "Every datagram arrives this much later." },
      { name: "jitter", kind: "duration", what: "And up to this much later still, in order." },
      { name: "reorder", kind: "share", what: "Share of datagrams that the next ones overtake." },
      { name: "duplicate", kind: "share", what: "Share of datagrams that arrive twice." },
      { name: "rate", kind: "bitrate", what: "At most this much of each client; the rest waits." },
      { name: "queue", kind: "size", what: "What may wait for `rate`; the rest is lost. Default 64k." },
      { name: "dead", kind: "word", words: WAYS, what: "Nothing arrives this way." },
      { name: "rebind", kind: "flag", what: "Every client has another source port from now on, as behind a NAT." },
      { name: "move", kind: "flag", what: "Every client has another source address from now on." },
      { name: "every", kind: "duration", what: "Does `rebind` or `move` again and again." },
      SEED,
    ],
    needs: ["loss", "delay", "jitter", "reorder", "duplicate", "rate", "dead", "rebind", "move"],
    example: "udp:loss=5%,jitter=30ms@10s+5s",
  },
  {
    name: "silence",
    what: "Forwards no packet of one subscription, while everything else says that all is well.",
    at: "server",
    parameters: [{ name: "subscription", kind: "text", what: "As the ledger names it: `<publication>><receiver>`." }],
    needs: ["subscription"],
    example: "silence:subscription=p_ada:camera>p_bob+5s",
  },
  {
    name: "media",
    what: "Faults of the workers that media runs in.",
    at: "server",
    parameters: [
      { name: "kill", kind: "flag", what: "One dies without a word; another takes its place." },
      { name: "worker", kind: "count", what: "Which, from 0. Default 0." },
    ],
    needs: ["kill"],
    example: "media:kill,worker=1@10s",
  },
  {
    name: "server",
    what: "Faults of the server as a whole.",
    at: "server",
    parameters: [
      { name: "freeze", kind: "duration", what: "Does nothing at all for this long; its sockets stay open." },
      { name: "kill", kind: "flag", what: "Ends without a word and starts again on the same port." },
      { name: "down", kind: "duration", what: "How long it stays away after `kill`. Default 500ms." },
    ],
    needs: ["freeze", "kill"],
    example: "server:freeze=5s@10s",
  },
  {
    name: "device",
    what: "Faults of this page's own camera, microphone or screen.",
    at: "page",
    parameters: [
      { name: "kind", kind: "word", words: DEVICES, what: "Which. Default camera." },
      { name: "pull", kind: "flag", what: "Unplugged: its tracks end, and there is none until the fault is stopped." },
      { name: "busy", kind: "flag", what: "Another program holds it: it cannot be opened." },
      { name: "withdraw", kind: "flag", what: "The permission is taken back: its tracks end, and asking is refused." },
      { name: "silent", kind: "flag", what: "Asking for it is never answered." },
    ],
    needs: ["pull", "busy", "withdraw", "silent"],
    example: "device:pull,kind=camera+10s",
  },
];

/** The entry of a name, or `undefined`. */
export function catalogueEntry(name: string): CatalogueEntry | undefined {
  return FAULT_CATALOGUE.find((entry) => entry.name === name);
}
