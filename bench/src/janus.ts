import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import WebSocket from "ws";

/** Where Debian's package has its parts. */
const PARTS = "/usr/lib/x86_64-linux-gnu/janus";
/** What a Janus is started for. */
export type JanusPlugin = "videoroom" | "echotest";

/** Options of {@link Janus.start}. */
export interface JanusOptions {
  /** For its WebSocket. */
  readonly port: number;
  /** Threads that serve all peers; 0, the default of Janus, gives each peer its own. */
  readonly eventLoops?: number;
  /** Default `videoroom`. */
  readonly plugin?: JanusPlugin;
  /** Whether its ICE is lite: it checks nothing itself. Default false. */
  readonly lite?: boolean;
}

const START_WITHIN_MS = 10_000;
const ANSWER_WITHIN_MS = 10_000;

/** A message of Janus's. */
interface Message {
  readonly janus: string;
  /** The handle that an event is about. */
  readonly sender?: number;
  readonly transaction?: string;
  readonly data?: { readonly id: number };
  readonly plugindata?: { readonly data: Record<string, unknown> };
  readonly jsep?: { readonly sdp: string };
}

/** A Janus of the bench's or test's own, configured for one plugin and nothing else. Disposing of it ends it. */
export class Janus implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #socket: WebSocket;
  readonly #plugin: JanusPlugin;
  #echoing: number | undefined;
  readonly #waiting = new Map<
    string,
    { readonly wants: (message: Message) => boolean; readonly take: (message: Message) => void }
  >();
  /** Handles whose media is up: told once each, mostly before anybody asks. */
  readonly #up = new Map<number, PromiseWithResolvers<void>>();
  #session = 0;
  #next = 0;

  private constructor(process: ChildProcess, socket: WebSocket, plugin: JanusPlugin) {
    this.#process = process;
    this.#plugin = plugin;
    this.#socket = socket;
    socket.on("message", (text: Buffer) => this.#take(JSON.parse(text.toString()) as Message));
  }

  /** Starts one. */
  static async start(options: JanusOptions): Promise<Janus> {
    const { port, plugin = "videoroom" } = options;
    const folder = configure({ eventLoops: 0, lite: false, ...options, plugin });
    const args = ["-C", join(folder, "janus.jcfg"), "-F", folder, "-o"];
    const process = spawn("janus", args, { stdio: "ignore", cwd: folder });
    const failed = once(process, "error").then(([error]) => Promise.reject(error as Error));
    const socket = await Promise.race([connect(port), failed]).catch((error: unknown) => {
      process.kill("SIGKILL");
      throw error;
    });
    const started = new Janus(process, socket, plugin);
    started.#session = (await started.#ask({ janus: "create" })).data?.id ?? 0;
    return started;
  }

  /** CPU used so far by all its threads, in ms. */
  get cpuMs(): number {
    const stat = readFileSync(`/proc/${this.#process.pid}/stat`, "latin1");
    // After the name, which may hold anything: state is field 3, user and system time are 14 and 15, in ticks of 10 ms.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }

  /**
   * Makes a room and publishes into it.
   *
   * @returns The answer to the offer, who the publisher is, and when its media is up in Janus, which is later than here:
   *   before that nobody can subscribe to it.
   */
  async publish(
    room: number,
    offerSdp: string,
  ): Promise<{ readonly sdp: string; readonly feed: unknown; readonly up: Promise<void> }> {
    const handle = await this.#attach();
    await this.#message(handle, { request: "create", room, publishers: 1, bitrate: 0, videocodec: "vp8" });
    const joined = await this.#message(handle, { request: "join", ptype: "publisher", room });
    const answered = await this.#message(handle, { request: "publish" }, { type: "offer", sdp: offerSdp });
    return { sdp: answered.jsep?.sdp ?? "", feed: joined.plugindata?.data["id"], up: this.#mediaUp(handle) };
  }

  /** Subscribes to a publisher. @returns Janus's offer, and what takes the answer. */
  async subscribe(
    room: number,
    feed: unknown,
  ): Promise<{ readonly sdp: string; answer(sdp: string): Promise<unknown> }> {
    const handle = await this.#attach();
    const attached = await this.#message(handle, { request: "join", ptype: "subscriber", room, streams: [{ feed }] });
    return {
      sdp: attached.jsep?.sdp ?? "",
      answer: (sdp) => this.#message(handle, { request: "start" }, { type: "answer", sdp }),
    };
  }

  /** Offers to the echo test, which sends everything back: the first time, or again. @returns The answer. */
  async echo(offerSdp: string): Promise<string> {
    this.#echoing ??= await this.#attach();
    const answered = await this.#message(this.#echoing, { audio: true, video: true }, { type: "offer", sdp: offerSdp });
    return answered.jsep?.sdp ?? "";
  }

  async #attach(): Promise<number> {
    const { data } = await this.#ask({ janus: "attach", plugin: `janus.plugin.${this.#plugin}` });
    return data?.id ?? 0;
  }

  #message(handle: number, body: object, jsep?: object): Promise<Message> {
    return this.#ask({ janus: "message", handle_id: handle, body, ...(jsep && { jsep }) });
  }

  /** An acknowledgement is not the answer: that follows as an event. */
  async #ask(message: object): Promise<Message> {
    const transaction = `t${this.#next++}`;
    const { promise, resolve } = Promise.withResolvers<Message>();
    this.#waiting.set(transaction, { wants: ({ janus }) => janus !== "ack", take: resolve });
    this.#socket.send(JSON.stringify({ ...message, transaction, ...(this.#session && { session_id: this.#session }) }));
    const answer = await inTime(promise, `Janus did not answer ${JSON.stringify(message).slice(0, 80)}`);
    const wrong = answer.janus === "error" || answer.plugindata?.data["error"] !== undefined;
    if (wrong) throw new Error(`Janus refused: ${JSON.stringify(answer).slice(0, 300)}`);
    return answer;
  }

  #mediaUp(handle: number): Promise<void> {
    return inTime(this.#whenUp(handle).promise, "Janus did not bring its media up");
  }

  #whenUp(handle: number): PromiseWithResolvers<void> {
    const known = this.#up.get(handle) ?? Promise.withResolvers<void>();
    this.#up.set(handle, known);
    return known;
  }

  #take(message: Message): void {
    if (message.janus === "webrtcup") this.#whenUp(message.sender ?? 0).resolve();
    const waiting = this.#waiting.get(message.transaction ?? "");
    if (!waiting?.wants(message)) return;
    this.#waiting.delete(message.transaction ?? "");
    waiting.take(message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.terminate();
    if (this.#process.exitCode !== null) return;
    this.#process.kill("SIGKILL");
    await once(this.#process, "exit");
  }
}

/** @throws Error with this text when it takes too long. */
async function inTime<T>(work: Promise<T>, otherwise: string): Promise<T> {
  const late = pause(ANSWER_WITHIN_MS, undefined, { ref: false }).then(() => {
    throw new Error(otherwise);
  });
  return await Promise.race([work, late]);
}

/** Its configuration in a folder of its own: what is not named is as Janus has it. */
function configure({ eventLoops, port, plugin, lite }: Required<JanusOptions>): string {
  const folder = mkdtempSync(join(tmpdir(), "lodeline-janus-"));
  // Of its parts only what is used: all of them together ended with a segmentation fault in a namespace (1.1.2).
  const parts = [
    ["plugins", plugin],
    ["transports", "websockets"],
  ] as const;
  for (const [kind, name] of parts) {
    mkdirSync(join(folder, kind));
    const [file] = readdirSync(join(PARTS, kind)).filter((one) => one.startsWith(`libjanus_${name}.so`));
    if (file === undefined) throw new Error(`Debian's janus package is not installed, or has no ${name}`);
    symlinkSync(join(PARTS, kind, file), join(folder, kind, `libjanus_${name}.so`));
  }
  const loops = eventLoops > 0 ? `event_loops = ${eventLoops}` : "";
  writeFileSync(
    join(folder, "janus.jcfg"),
    `general: {
  configs_folder = "${folder}"
  plugins_folder = "${folder}/plugins"
  transports_folder = "${folder}/transports"
  debug_level = 2
  ${loops}
}
nat: {
  ice_lite = ${lite}
}
`,
  );
  writeFileSync(
    join(folder, "janus.transport.websockets.jcfg"),
    `general: {\n  json = "compact"\n  ws = true\n  ws_port = ${port}\n  wss = false\n}\n`,
  );
  writeFileSync(join(folder, `janus.plugin.${plugin}.jcfg`), "general: {\n}\n");
  return folder;
}

async function connect(port: number): Promise<WebSocket> {
  const deadline = performance.now() + START_WITHIN_MS;
  for (;;) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, "janus-protocol");
    const opened = once(socket, "open").then(
      () => true,
      () => false,
    );
    if (await opened) return socket;
    if (performance.now() > deadline) throw new Error("Janus did not open its WebSocket");
    await pause(100);
  }
}
