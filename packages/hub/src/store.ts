/**
 * What the hub keeps of itself, by kind. A record is named by its kind, its owner and its key:
 *
 * | kind | owner | key | value |
 * |---|---|---|---|
 * | `link` | link id | 0 | who it is, what resumes it, the place it holds |
 * | `stream` | link id | 0 | its numbers: received, acknowledged |
 * | `frame` | link id | frame number | a message that is not acknowledged, as it is sent |
 * | `room` | room | 0 | topology, lock, numbers |
 * | `place` | room | participant id | one participant's place |
 * | `answer` | participant id | command id | what a command was answered, so that it is done once |
 * | `pair` | room | the pair's key | mesh: a pair and its first negotiation |
 * | `event` | room | event number | an event of the log's tail |
 * | `definition` | room | 0 | how the room was made before anybody entered it |
 * | `call` | session id | 0 | a call between two identities, ringing or answered |
 */
export type StoreKind =
  | "link"
  | "stream"
  | "frame"
  | "room"
  | "place"
  | "answer"
  | "pair"
  | "event"
  | "definition"
  | "call";

/** One thing that is kept. Plain data. */
export interface StoreRecord {
  readonly kind: StoreKind;
  readonly owner: string;
  /** A whole number where the kind counts, text where it names. */
  readonly key: string | number;
  /** JSON. What is in it is the hub's own business: see {@link IMAGE_VERSION}. */
  readonly value: string;
}

/** What is not needed any more. */
export type StoreDrop =
  /** One record. */
  | { readonly kind: StoreKind; readonly owner: string; readonly key: string | number }
  /** All numbered records of an owner up to and with this number. */
  | { readonly kind: StoreKind; readonly owner: string; readonly through: number }
  /** All records of a kind and owner. */
  | { readonly kind: StoreKind; readonly owner: string };

/** What changed since the last save. Drops are done first; a put replaces what had its name. */
export interface HubChanges {
  /** Everything kept so far is to be forgotten first: a hub begins, or the store has lost something. */
  readonly fresh: boolean;
  readonly drops: readonly StoreDrop[];
  readonly puts: readonly StoreRecord[];
}

/** Everything a store held at one moment between two saves, in any order; what `HubOptions.restore` takes. */
export interface HubImage {
  /** Of what form the values are: one that differs from {@link IMAGE_VERSION} cannot be restored. */
  readonly version: number;
  readonly records: readonly StoreRecord[];
}

/** The form of the values that this hub writes. Raised with every change that an older hub, or image, would not survive. */
export const IMAGE_VERSION = 1;

/**
 * Keeps what a hub must not lose when its process dies. Pure code sees only this; behind it stand memory (in the
 * simulation) and SQLite (in the server).
 */
export interface HubStore {
  /**
   * Takes the changes of one or more turns of the hub: all of them or none.
   *
   * The hub saves one batch at a time: it collects what happens until `done`, and says nothing on any socket before the
   * batch that it follows from is kept. So what a client has heard, an acknowledgement too, survives.
   *
   * @param done - To be called once, at once or later, when the batch survives the death of the process; also when it
   * could not be kept and the store has decided to go on without (it then says so to the operator, never to the hub).
   */
  save(changes: HubChanges, done: () => void): void;
}
