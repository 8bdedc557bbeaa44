/** A kernel: sockets, sessions and tables of one thread. Opaque. */
export type KernelHandle = { readonly [kernel]: true };
declare const kernel: unique symbol;

/** Stands for "none" wherever a kernel object's number is meant. */
export const NO_ID = -1;

/** Stands for "whichever stream of the publication has a key frame first" where a leg's target is meant. */
export const ANY_STREAM = -2;

/** Stands for "no RTX" where a payload type is meant. */
export const NO_RTX = 255;

/** Codecs by the numbers of `c/payload.h`. */
export const KERNEL_CODEC = { opus: 0, vp8: 1, vp9: 2, h264: 3, av1: 4 } as const;

/** What an event says, by the numbers of `c/events.h`, where each is explained. */
export const KERNEL_EVENT = {
  datagram: 1,
  rtcp: 2,
  unknown: 3,
  packet: 4,
  keyFrame: 5,
  gap: 6,
  late: 7,
  began: 8,
  heard: 9,
  resumed: 10,
  sealed: 11,
  arrived: 12,
  sent: 13,
} as const;

/** Where the head of an event has what, in bytes; numbers are in the machine's own order. `c/events.h`. */
export const EVENT_HEAD = {
  kind: 0,
  count: 2,
  totalBytes: 4,
  id: 8,
  lengthBytes: 12,
  atMs: 16,
  detail: 24,
  detail2: 28,
  value: 32,
  bytes: 40,
} as const;

/**
 * The calls of the kernel, as `c/addon/calls.c` has them. Objects are numbers; the number of something that is gone does
 * nothing. Records (`Float64Array`) and the memory of events stay the caller's to keep alive while the kernel knows them.
 */
export interface KernelBinding {
  /** Numbers in the record of a stream. */
  readonly streamFields: number;
  /** Numbers in the record of a slot. */
  readonly slotFields: number;
  /**
   * @param callback - Called after a batch, when events wait. It reads them and calls {@link clearEvents}.
   * @param events - At least 64 kB.
   * @param nowMs - The caller's clock, which the kernel follows.
   */
  create(callback: () => void, events: Uint8Array, nowMs: number): KernelHandle;
  close(kernel: KernelHandle): void;
  /** @returns The socket's number, or `-errno - 1`. */
  openPort(kernel: KernelHandle, address: string, port: number, bufferBytes: number): number;
  portNumber(kernel: KernelHandle, port: number): number;
  closePort(kernel: KernelHandle, port: number): void;
  /** @returns 1 when the system took it. */
  sendDatagram(kernel: KernelHandle, port: number, address: string, portNumber: number, bytes: Uint8Array): number;
  /**
   * @param keys - Open RTP, open RTCP, seal RTP, seal RTCP: 16 or 32 bytes each.
   * @param salts - In the same order, 12 bytes each.
   * @returns Its number, or {@link NO_ID}.
   */
  openSession(kernel: KernelHandle, keys: Uint8Array, salts: Uint8Array): number;
  closeSession(kernel: KernelHandle, session: number): void;
  /** @param transportSequenceId - Extension id of the transport-wide number in what arrives, 0 for none. */
  setSession(kernel: KernelHandle, session: number, transportSequenceId: number): void;
  /** @param port - {@link NO_ID} makes protected packets events, for TypeScript to send. */
  setDestination(kernel: KernelHandle, session: number, port: number, address: string, portNumber: number): void;
  /**
   * Media from that address is of that session, or with {@link NO_ID} of none.
   *
   * @param path - Comes back with the event that the path is alive.
   * @returns 1 when it is as wanted.
   */
  setRoute(
    kernel: KernelHandle,
    port: number,
    address: string,
    portNumber: number,
    session: number,
    path: number,
  ): number;
  /** RTP or RTCP that came another way; changed. @returns 1 when it was authentic. */
  receive(kernel: KernelHandle, session: number, bytes: Uint8Array, nowMs: number): number;
  /** A plain packet whose stream is bound by now. */
  inject(kernel: KernelHandle, session: number, bytes: Uint8Array, nowMs: number): void;
  /** @returns 1 when authentic packets of the SSRC have come. */
  knows(kernel: KernelHandle, session: number, ssrc: number): number;
  /** Fills in packets refused because they came before, and because they were forged. */
  refusals(kernel: KernelHandle, session: number, into: Float64Array): void;
  openGroup(kernel: KernelHandle): number;
  closeGroup(kernel: KernelHandle, group: number): void;
  /** @param toScript - 1: its packets come as events too; to which legs TypeScript moves them says {@link setLegScript}. */
  setGroup(kernel: KernelHandle, group: number, toScript: number): void;
  /** Authentic packets of the SSRC must have come. @returns Its number, or {@link NO_ID}. */
  bindStream(
    kernel: KernelHandle,
    session: number,
    record: Float64Array,
    ssrc: number,
    payloadType: number,
    codec: number,
    clockRate: number,
    audioLevelId: number,
    group: number,
  ): number;
  /** Packets of the SSRC repeat the stream's. */
  bindRtx(kernel: KernelHandle, session: number, ssrc: number, stream: number): void;
  setStream(kernel: KernelHandle, stream: number, group: number, audioLevelId: number): void;
  unbindStream(kernel: KernelHandle, stream: number): void;
  /** @param rtxSsrc - 0 for none. @returns Its number, or {@link NO_ID}. */
  openLeg(
    kernel: KernelHandle,
    group: number,
    session: number,
    record: Float64Array,
    ssrc: number,
    rtxSsrc: number,
    clockRate: number,
  ): number;
  /** What its headers carry; an id of 0 leaves one out. */
  setLeg(
    kernel: KernelHandle,
    leg: number,
    mid: Uint8Array,
    midId: number,
    audioLevelId: number,
    transportSequenceId: number,
  ): void;
  /**
   * The stream to go over to on its next key frame (sound: on its next packet), and the types it is sent as.
   *
   * @param stream - {@link ANY_STREAM}: the first that has a key frame, which then is the target.
   */
  setTarget(kernel: KernelHandle, leg: number, stream: number, payloadType: number, rtxPayloadType: number): void;
  /**
   * The stream that is forwarded now, whatever was before; {@link NO_ID} stops.
   *
   * @param turn - Comes back with the event that the leg went over to another stream.
   */
  setCurrent(
    kernel: KernelHandle,
    leg: number,
    stream: number,
    payloadType: number,
    rtxPayloadType: number,
    turn: number,
  ): void;
  /** @param toScript - 1: TypeScript moves the packets to it, and the kernel repeats what it has sent before. */
  setLegScript(kernel: KernelHandle, leg: number, toScript: number): void;
  closeLeg(kernel: KernelHandle, leg: number): void;
  /**
   * Repeats packets by RTX.
   *
   * @param numbers - Sequence numbers of 16 bits, most significant byte first.
   * @returns How many were sent; plus 65536 when one is beyond repair.
   */
  resend(kernel: KernelHandle, leg: number, numbers: Uint8Array, intervalMs: number, nowMs: number): number;
  /** Protects and queues; copied. @returns Bytes, 0 when it could not be. */
  sendRtp(
    kernel: KernelHandle,
    session: number,
    bytes: Uint8Array,
    payloadOffset: number,
    transportSequenceAt: number,
    nowMs: number,
  ): number;
  /** Protects and queues a compound; copied. @returns Bytes, 0 when it could not be. */
  sendRtcp(kernel: KernelHandle, session: number, bytes: Uint8Array, nowMs: number): number;
  /** Hands what is queued to the system. */
  flush(kernel: KernelHandle): void;
  /** Bytes of events that are written. */
  eventBytes(kernel: KernelHandle): number;
  /** All events were read. */
  clearEvents(kernel: KernelHandle): void;
  /**
   * Fills in: packets in, packets out, packets the system took, datagrams they were, system calls, packets it did not take,
   * events for which there was no room.
   */
  counters(kernel: KernelHandle, into: Float64Array): void;
}
