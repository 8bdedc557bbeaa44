/** What a message is. RFC 8831 section 8. */
export const PPID = { control: 50, text: 51, bytes: 53, emptyText: 56, emptyBytes: 57 } as const;

/** Message types. RFC 8832 section 8.2.1. */
const MESSAGE = { ack: 2, open: 3 } as const;

/** Channel types. RFC 8832 section 5.1. */
const TYPE = { reliable: 0, retransmits: 1, lifetime: 2 } as const;
const UNORDERED = 0x80;

/** Longest label and protocol that are taken, in bytes each. */
const NAME_LIMIT_BYTES = 1024;

/** How a data channel carries messages. */
export interface DataChannelInit {
  readonly label: string;
  /** A name of what is spoken on it; may be empty. */
  readonly protocol: string;
  readonly ordered: boolean;
  /** How often a lost message is sent again; `undefined` for as often as needed. */
  readonly maxRetransmits: number | undefined;
  /** How long a message is worth sending, in ms; `undefined` for ever. Not together with `maxRetransmits`. */
  readonly maxPacketLifeTimeMs: number | undefined;
}

/** A DATA_CHANNEL_ACK. */
export const DATA_CHANNEL_ACK: Buffer = Buffer.of(MESSAGE.ack);

/** Encodes a DATA_CHANNEL_OPEN. RFC 8832 section 5.1. */
export function encodeOpen(init: DataChannelInit): Buffer {
  const label = Buffer.from(init.label, "utf8");
  const protocol = Buffer.from(init.protocol, "utf8");
  const kind =
    init.maxRetransmits !== undefined
      ? TYPE.retransmits
      : init.maxPacketLifeTimeMs !== undefined
        ? TYPE.lifetime
        : TYPE.reliable;
  const head = Buffer.alloc(12);
  head[0] = MESSAGE.open;
  head[1] = kind | (init.ordered ? 0 : UNORDERED);
  // Priority "normal". RFC 8831 section 6.4.
  head.writeUInt16BE(256, 2);
  head.writeUInt32BE(init.maxRetransmits ?? init.maxPacketLifeTimeMs ?? 0, 4);
  head.writeUInt16BE(label.length, 8);
  head.writeUInt16BE(protocol.length, 10);
  return Buffer.concat([head, label, protocol]);
}

/** Reads a control message. @returns `undefined` for what is malformed or unknown. */
export function parseControl(bytes: Buffer): "ack" | DataChannelInit | undefined {
  if (bytes[0] === MESSAGE.ack) return "ack";
  if (bytes[0] !== MESSAGE.open || bytes.length < 12) return undefined;
  const type = bytes[1] as number;
  const kind = type & ~UNORDERED;
  const parameter = bytes.readUInt32BE(4);
  const labelEnd = 12 + bytes.readUInt16BE(8);
  const end = labelEnd + bytes.readUInt16BE(10);
  if (kind > TYPE.lifetime || end > bytes.length || end > 12 + 2 * NAME_LIMIT_BYTES) return undefined;
  return {
    label: bytes.toString("utf8", 12, labelEnd),
    protocol: bytes.toString("utf8", labelEnd, end),
    ordered: (type & UNORDERED) === 0,
    maxRetransmits: kind === TYPE.retransmits ? parameter : undefined,
    maxPacketLifeTimeMs: kind === TYPE.lifetime ? parameter : undefined,
  };
}
