import { cryptoRandom, LodelineError, toLodelineError } from "@lodeline/base";
import { CIPHER_SUITES, FrameSender, KeyStore, passphraseKey, SenderKeys, type Subtle } from "@lodeline/sframe";
import type { ScriptTransformer } from "./encoded-frame.ts";
import { type Assignment, ascii, Receiving } from "./receiving.ts";
import { sendEncrypted } from "./sending.ts";
import type { NumberedRequest, TransformOptions, WorkerNews, WorkerRequest } from "./worker-messages.ts";

/** The worker's own globals, as far as they are used: the DOM's types know only those of a page. */
interface WorkerScope {
  onmessage: ((event: { readonly data: NumberedRequest }) => void) | null;
  onrtctransform: ((event: { readonly transformer: ScriptTransformer }) => void) | null;
  postMessage(news: WorkerNews): void;
}

const scope = globalThis as unknown as WorkerScope;
const subtle = crypto.subtle as unknown as Subtle;

/** Everything the worker knows: one room's keys, and a transform for each sender and receiver. */
class EncryptionWorker {
  readonly #shared = new KeyStore();
  readonly #senders = new Map<string, SenderKeys>();
  readonly #receiving = new Map<number, Receiving>();
  /** What each receiver is to play; may be known before its transform is. */
  readonly #assigned = new Map<number, Assignment>();
  #suite = CIPHER_SUITES.AES_128_GCM_SHA256_128;
  #sender = this.#makeSender();

  async answer({ call, ...request }: NumberedRequest): Promise<void> {
    try {
      await this.#perform(request);
      scope.postMessage({ tell: "done", call });
    } catch (thrown) {
      const { code, detail } = toLodelineError(thrown, "encryption/unsupported");
      scope.postMessage({ tell: "done", call, code, detail });
    }
  }

  transform(transformer: ScriptTransformer): void {
    const options = transformer.options as TransformOptions;
    // A stream that ends with its connection is no error.
    void this.#run(transformer, options).catch(() => {});
  }

  #run(transformer: ScriptTransformer, options: TransformOptions): Promise<void> {
    if (options.direction === "receive") return this.#receive(transformer, options.id, options.kind);
    const { label, kind } = options;
    const unsupported = () => scope.postMessage({ tell: "unsupported", label });
    return sendEncrypted(transformer, { sender: this.#sender, kind, label: ascii(label), unsupported });
  }

  async #perform(request: WorkerRequest): Promise<void> {
    switch (request.do) {
      case "suite":
        this.#suite = CIPHER_SUITES[request.suite];
        this.#sender = this.#makeSender();
        return;
      case "key":
        return this.#setKey(request.keyId, request.key as Uint8Array<ArrayBuffer>);
      case "passphrase":
        return this.#setKey(request.keyId, await passphraseKey(subtle, request.passphrase, request.room));
      case "forget-key":
        return this.#shared.delete(request.keyId);
      case "use":
        return this.#use(request.keyId, request.participant);
      case "ratchet":
        return this.#sender.ratchet();
      case "assign":
        return this.#assign(request);
      case "judge":
        return this.#receiving.get(request.id)?.again();
      case "gone":
        this.#senders.get(request.participant)?.[Symbol.dispose]();
        this.#senders.delete(request.participant);
        return;
    }
  }

  #setKey(keyId: number, key: Uint8Array<ArrayBuffer>): void {
    this.#shared.set(keyId, key);
    for (const receiving of this.#receiving.values()) void receiving.again();
  }

  #use(keyId: number, participant: string): Promise<void> {
    const key = this.#shared.get(keyId);
    if (!key) throw new LodelineError("encryption/missing-key");
    return this.#sender.use(keyId, key, participant);
  }

  #assign({ id, participant, label, clear = false }: Extract<WorkerRequest, { do: "assign" }>): void {
    const known = participant !== undefined && label !== undefined;
    const assignment = known ? { participant, label, clear, keys: this.#keysOf(participant) } : undefined;
    if (assignment) this.#assigned.set(id, assignment);
    else this.#assigned.delete(id);
    this.#receiving.get(id)?.assign(assignment);
  }

  #keysOf(participant: string): SenderKeys {
    const known = this.#senders.get(participant);
    if (known) return known;
    const made = new SenderKeys(subtle, this.#suite, this.#shared, participant);
    this.#senders.set(participant, made);
    return made;
  }

  async #receive(transformer: ScriptTransformer, id: number, kind: "audio" | "video"): Promise<void> {
    const receiving = this.#receiver(id, kind);
    this.#receiving.set(id, receiving);
    receiving.assign(this.#assigned.get(id));
    try {
      await receiving.run(transformer);
    } finally {
      this.#receiving.delete(id);
      this.#assigned.delete(id);
    }
  }

  #receiver(id: number, kind: "audio" | "video"): Receiving {
    return new Receiving({
      kind,
      now: () => performance.now(),
      state: ({ participant, label }, state) => scope.postMessage({ tell: "state", id, participant, label, state }),
      missingKey: (keyId) => scope.postMessage({ tell: "missing-key", keyId }),
      trouble: (thrown) => {
        const { code, detail } = toLodelineError(thrown, "encryption/malformed");
        scope.postMessage({ tell: "trouble", code, detail });
      },
    });
  }

  #makeSender(): FrameSender {
    const random = cryptoRandom((into) => crypto.getRandomValues(into));
    return new FrameSender({ subtle, suite: this.#suite, random });
  }
}

const worker = new EncryptionWorker();
scope.onmessage = ({ data }) => void worker.answer(data);
scope.onrtctransform = ({ transformer }) => worker.transform(transformer);
