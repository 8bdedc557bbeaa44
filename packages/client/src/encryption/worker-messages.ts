import type { CipherSuiteName, Decryption } from "@lodeline/sframe";

/** What a transform is for, handed over when it is made. */
export type TransformOptions =
  | { readonly direction: "send"; readonly kind: "audio" | "video"; readonly label: string }
  | { readonly direction: "receive"; readonly kind: "audio" | "video"; readonly id: number };

/** What the page asks of the worker. Each with a number is answered by `done`. */
export type WorkerRequest =
  | { readonly do: "suite"; readonly suite: CipherSuiteName }
  | { readonly do: "key"; readonly keyId: number; readonly key: Uint8Array }
  | { readonly do: "passphrase"; readonly keyId: number; readonly passphrase: string; readonly room: string }
  | { readonly do: "forget-key"; readonly keyId: number }
  /** Encrypt with this key, as this participant. */
  | { readonly do: "use"; readonly keyId: number; readonly participant: string }
  | { readonly do: "ratchet" }
  /** What a receiver is to play from now on; nothing when `participant` is missing. */
  | {
      readonly do: "assign";
      readonly id: number;
      readonly participant?: string | undefined;
      readonly label?: string | undefined;
      /** Its owner does not encrypt: it is played as it comes. */
      readonly clear?: boolean | undefined;
    }
  /** Judge a receiver anew. */
  | { readonly do: "judge"; readonly id: number }
  | { readonly do: "gone"; readonly participant: string };

/** A request with the number under which it is answered. */
export type NumberedRequest = WorkerRequest & { readonly call: number };

/** What the worker tells. */
export type WorkerNews =
  | {
      readonly tell: "done";
      readonly call: number;
      readonly code?: string | undefined;
      readonly detail?: string | undefined;
    }
  /** Whether what a receiver plays of a participant can be read. */
  | {
      readonly tell: "state";
      readonly id: number;
      readonly participant: string;
      readonly label: string;
      readonly state: Decryption;
    }
  /** A frame came under a key of this number, which is not known. */
  | { readonly tell: "missing-key"; readonly keyId: number }
  /** Nothing of a source is sent: its codec cannot be encrypted. */
  | { readonly tell: "unsupported"; readonly label: string }
  /** Something went wrong with what is played, or with a transform; the stream goes on where it can. */
  | { readonly tell: "trouble"; readonly code: string; readonly detail: string };
