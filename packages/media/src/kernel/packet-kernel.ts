import type { MonoMs } from "@lodeline/base";
import { EVENT_HEAD, KERNEL_EVENT, type KernelBinding, type KernelHandle, loadKernel, NO_ID } from "@lodeline/native";
import type { SrtpKeys } from "../srtp/srtp-keys.ts";
import { KernelGroup } from "./kernel-group.ts";
import { KernelSession, type SessionEvents, sessionSecrets } from "./kernel-session.ts";

/** Memory for what the kernel has to tell; a full batch of packets for TypeScript fits. */
const EVENT_BYTES = 4 << 20;

const NO_BYTES = Buffer.alloc(0);

/** Where the kernel hands datagrams that are no media of a known path. */
export type DatagramEvent = (bytes: Buffer, port: number, address: string) => void;

/** One event, valid while it is handled: the next one is told in the same object. */
export interface KernelEvent {
  readonly kind: number;
  /** Of how many packets it tells. */
  readonly count: number;
  readonly atMs: MonoMs;
  readonly detail: number;
  readonly detail2: number;
  readonly value: number;
  /** A part of the memory of events, mostly empty: copy what is kept. */
  readonly bytes: Buffer;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Something that events are about. */
export interface EventTarget {
  handle(event: KernelEvent): void;
}

/**
 * The packet kernel of one engine as TypeScript sees it: makes its objects, reads its events and hands them to what they
 * are about. What the kernel does with a packet stands in `packages/native/README.md`.
 */
export class PacketKernel {
  readonly binding: KernelBinding;
  readonly handle: KernelHandle;
  readonly #memory = Buffer.from(new ArrayBuffer(EVENT_BYTES));
  readonly #view = new DataView(this.#memory.buffer);
  readonly #counters = new Float64Array(7);
  /** By number; sessions, streams and legs each count for themselves. */
  readonly sessions = new Map<number, EventTarget>();
  readonly streams = new Map<number, EventTarget>();
  readonly legs = new Map<number, EventTarget>();
  readonly #ports = new Map<number, DatagramEvent>();
  readonly #event: Writable<KernelEvent> = {
    kind: 0,
    count: 0,
    atMs: 0,
    detail: 0,
    detail2: 0,
    value: 0,
    bytes: NO_BYTES,
  };
  #reading = false;
  /** Bytes of events that have been read and let go. */
  #cleared = 0;
  #at = 0;
  #closed = false;

  private constructor(binding: KernelBinding, now: MonoMs) {
    this.binding = binding;
    this.handle = binding.create(() => this.settle(), this.#memory, now);
  }

  /**
   * Makes one where set-up has built it.
   *
   * @param now - The engine's clock, which the kernel follows.
   * @returns `undefined` and why, where there is none.
   */
  static open(now: MonoMs): { readonly kernel: PacketKernel | undefined; readonly why: string } {
    const { binding, why } = loadKernel();
    return { kernel: binding && new PacketKernel(binding, now), why };
  }

  /** A session with these keys; `undefined` when the kernel does not do their profile. */
  openSession(keys: SrtpKeys, events: SessionEvents): KernelSession | undefined {
    const secrets = sessionSecrets(keys);
    if (secrets === undefined || this.#closed) return undefined;
    const id = this.binding.openSession(this.handle, secrets.keys, secrets.salts);
    return id === NO_ID ? undefined : new KernelSession(this, id, events);
  }

  /** The packets of one publication. */
  openGroup(): KernelGroup {
    return new KernelGroup(this);
  }

  /** @returns The socket's number, or what the system said. */
  openPort(address: string, port: number, bufferBytes: number, datagrams: DatagramEvent): number {
    const id = this.binding.openPort(this.handle, address, port, bufferBytes);
    if (id >= 0) this.#ports.set(id, datagrams);
    return id;
  }

  closePort(id: number): void {
    this.#ports.delete(id);
    this.binding.closePort(this.handle, id);
  }

  /** Reads what the kernel has to tell, and sends what that led to. Within itself it does nothing: the outer one goes on. */
  settle(): void {
    if (this.#reading || this.#closed) return;
    this.#reading = true;
    try {
      this.#read();
    } finally {
      this.#reading = false;
      if (!this.#closed) {
        this.#cleared += this.binding.eventBytes(this.handle);
        this.binding.clearEvents(this.handle);
        this.binding.flush(this.handle);
      }
    }
  }

  /** How much it has told so far: what it tells from now on stands behind this. */
  get position(): number {
    return this.#cleared + (this.#closed ? 0 : this.binding.eventBytes(this.handle));
  }

  /** How much of it was read, by {@link position}: where the event begins that is handled now. */
  get read(): number {
    return this.#cleared + (this.#reading ? this.#at : 0);
  }

  /** What a handler does may add events: they are read in the same go. */
  #read(): void {
    let at = 0;
    for (let end = this.binding.eventBytes(this.handle); at < end; ) {
      for (; at < end; at += this.#view.getUint32(at + EVENT_HEAD.totalBytes, true)) this.#dispatch(at);
      end = this.#closed ? 0 : this.binding.eventBytes(this.handle);
    }
  }

  #dispatch(at: number): void {
    const view = this.#view;
    this.#at = at;
    const kind = view.getUint16(at + EVENT_HEAD.kind, true);
    const id = view.getInt32(at + EVENT_HEAD.id, true);
    const start = at + EVENT_HEAD.bytes;
    const lengthBytes = view.getUint32(at + EVENT_HEAD.lengthBytes, true);
    const event = this.#event;
    event.kind = kind;
    event.count = view.getUint16(at + EVENT_HEAD.count, true);
    event.atMs = view.getFloat64(at + EVENT_HEAD.atMs, true);
    event.detail = view.getUint32(at + EVENT_HEAD.detail, true);
    event.detail2 = view.getUint32(at + EVENT_HEAD.detail2, true);
    event.value = view.getFloat64(at + EVENT_HEAD.value, true);
    // A view costs more than all the rest, and few events have bytes.
    event.bytes = lengthBytes === 0 ? NO_BYTES : this.#memory.subarray(start, start + lengthBytes);
    if (kind === KERNEL_EVENT.datagram) this.#datagram(id, event);
    else this.#targetsOf(kind).get(id)?.handle(event);
  }

  #targetsOf(kind: number): ReadonlyMap<number, EventTarget> {
    switch (kind) {
      case KERNEL_EVENT.packet:
      case KERNEL_EVENT.keyFrame:
      case KERNEL_EVENT.gap:
      case KERNEL_EVENT.late:
      case KERNEL_EVENT.resumed:
        return this.streams;
      case KERNEL_EVENT.began:
        return this.legs;
      default:
        return this.sessions;
    }
  }

  /** The sender stands before the bytes as "port address". Handlers may keep what they get. */
  #datagram(id: number, event: KernelEvent): void {
    const from = event.bytes.toString("latin1", 0, event.detail);
    const space = from.indexOf(" ");
    const bytes = Buffer.from(event.bytes.subarray(event.detail));
    this.#ports.get(id)?.(bytes, Number(from.slice(0, space)), from.slice(space + 1));
  }

  /** What it did so far. */
  counters(): KernelCounters {
    const counters = this.#counters;
    if (!this.#closed) this.binding.counters(this.handle, counters);
    const [packetsIn = 0, packetsOut = 0, sent = 0, datagrams = 0, systemCalls = 0, dropped = 0, eventsDropped = 0] =
      counters;
    return { packetsIn, packetsOut, sent, datagrams, systemCalls, dropped, eventsDropped };
  }

  /** Closes its sockets and forgets everything. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.binding.close(this.handle);
    for (const targets of [this.sessions, this.streams, this.legs, this.#ports]) targets.clear();
  }
}

/** What a kernel did so far. */
export interface KernelCounters {
  /** Authentic RTP packets. */
  readonly packetsIn: number;
  readonly packetsOut: number;
  /** Packets that the system took. */
  readonly sent: number;
  /** As which it took them: runs to one receiver are one. */
  readonly datagrams: number;
  readonly systemCalls: number;
  /** Packets that the system would not take. */
  readonly dropped: number;
  /** Events for which there was no room. */
  readonly eventsDropped: number;
}
