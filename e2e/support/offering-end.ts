import { randomFillSync } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import { cryptoRandom, type Timer } from "@lodeline/base";
import {
  createDtlsCertificate,
  DataChannels,
  DtlsLink,
  type DtlsRole,
  FullIceAgent,
  type IceBase,
  parseStun,
  type RemoteCandidate,
} from "@lodeline/media/interop";
import { realClock } from "./media-lab.ts";

/** Something of another agent's description. */
function attributeOf(sdp: string, name: string): string {
  return new RegExp(`^a=${name}:(.*)$`, "m").exec(sdp)?.[1]?.trim() ?? "";
}

/** The candidates in a description that are addresses, of UDP. */
function candidatesOf(sdp: string): RemoteCandidate[] {
  const lines = sdp.matchAll(/^a=candidate:(\S+) 1 udp (\d+) (\S+) (\d+) typ (host|srflx|prflx|relay)/gim);
  return [...lines]
    .map(([, foundation = "", priority, address = "", port, type]) => ({
      foundation,
      priority: Number(priority),
      address,
      port: Number(port),
      type: type as RemoteCandidate["type"],
    }))
    .filter(({ address }) => !address.endsWith(".local"));
}

/** This side as the one that connects: it offers a data channel, controls ICE, and takes whichever part of DTLS is left. */
export class OfferingEnd implements AsyncDisposable {
  readonly agent: FullIceAgent;
  readonly received: string[] = [];
  /** Sockets' addresses and theirs, each time another pair was chosen. */
  readonly pairs: string[] = [];
  readonly #clock = realClock();
  readonly #sockets: readonly Socket[];
  readonly #certificate: Awaited<ReturnType<typeof createDtlsCertificate>>;
  #dtls: DtlsLink | undefined;
  #data: DataChannels | undefined;
  #timer: Timer | undefined;
  #version = 0;
  #closed = false;

  private constructor(sockets: readonly Socket[], certificate: Awaited<ReturnType<typeof createDtlsCertificate>>) {
    this.#sockets = sockets;
    this.#certificate = certificate;
    const bases = sockets.map((socket): IceBase => {
      const { address, port } = socket.address();
      return { address, port, send: (bytes, to, toPort) => socket.send(bytes, toPort, to) };
    });
    this.agent = new FullIceAgent({
      role: "controlling",
      bases,
      random: cryptoRandom((into) => randomFillSync(into)),
      events: {
        onState: () => {},
        onPair: ({ base, remote }) => {
          this.pairs.push(`${base.address} ${remote.address}`);
          this.#dtls?.start(this.#clock.now());
        },
      },
    });
    for (const [index, socket] of sockets.entries()) {
      socket.on("error", () => {});
      socket.on("message", (bytes, { address, port }) => this.#handle(bytes, bases[index] as IceBase, address, port));
    }
  }

  /** Opens a socket on each address. */
  static async open(addresses: readonly string[]): Promise<OfferingEnd> {
    const sockets = await Promise.all(
      addresses.map(async (address) => {
        const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
        socket.bind(0, address);
        await once(socket, "listening");
        return socket;
      }),
    );
    return new OfferingEnd(sockets, await createDtlsCertificate());
  }

  /** An offer of one section for data, with our candidates. */
  offer(): string {
    const { usernameFragment, password } = this.agent.local;
    return `${[
      "v=0",
      `o=- 7 ${++this.#version} IN IP4 127.0.0.1`,
      "s=-",
      "t=0 0",
      "a=group:BUNDLE 0",
      "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
      "c=IN IP4 0.0.0.0",
      `a=ice-ufrag:${usernameFragment}`,
      `a=ice-pwd:${password}`,
      `a=fingerprint:sha-256 ${this.#certificate.fingerprint}`,
      "a=setup:actpass",
      "a=mid:0",
      "a=sctp-port:5000",
      "a=max-message-size:262144",
      ...this.agent.candidates.map((candidate) => `a=${candidate}`),
      "a=end-of-candidates",
    ].join("\r\n")}\r\n`;
  }

  /** Takes the answer: checks begin, and with the first pair DTLS. */
  accept(answer: string): void {
    const role: DtlsRole = attributeOf(answer, "setup") === "active" ? "server" : "client";
    if (this.#dtls === undefined) this.#open(role, attributeOf(answer, "fingerprint"));
    const remote = { usernameFragment: attributeOf(answer, "ice-ufrag"), password: attributeOf(answer, "ice-pwd") };
    this.agent.start(remote, candidatesOf(answer), this.#clock.now());
    this.#tick();
  }

  #open(role: DtlsRole, fingerprint: string): void {
    const [hash = "", value = ""] = fingerprint.split(" ");
    const data: DataChannels = new DataChannels({
      role,
      remotePort: 5000,
      now: () => this.#clock.now(),
      wake: () => this.#arm(),
      send: (bytes) => this.#dtls?.send(bytes),
      onChannel: () => {},
    });
    this.#data = data;
    this.#dtls = new DtlsLink({
      role,
      certificate: this.#certificate,
      fingerprints: [{ hash: hash.toLowerCase(), value }],
      events: {
        onState: (state) => {
          if (state === "connected") data.start(true);
        },
        onKeys: () => {},
        onData: (bytes) => data.handle(bytes),
        send: (bytes) => {
          const pair = this.agent.selected;
          pair?.base.send(bytes, pair.remote.address, pair.remote.port);
        },
      },
    });
  }

  /** Opens a channel; what comes on it is in {@link received}. @returns What sends on it. */
  channel(label: string): (text: string) => void {
    const channel = this.#data?.open({
      label,
      protocol: "",
      ordered: true,
      maxRetransmits: undefined,
      maxPacketLifeTimeMs: undefined,
    });
    if (channel === undefined) throw new Error("there is no answer yet");
    channel.on("message", (message) => this.received.push(String(message)));
    return (text) => channel.send(text);
  }

  #handle(bytes: Buffer, base: IceBase, address: string, port: number): void {
    const now = this.#clock.now();
    const message = (bytes[0] ?? 0xff) <= 3 ? parseStun(bytes) : undefined;
    if (message) this.agent.handle(message, base, address, port, now);
    else if ((bytes[0] ?? 0) >= 20 && (bytes[0] ?? 0) <= 63) {
      this.agent.heard(now);
      this.#dtls?.handle(bytes, now);
    }
    this.#arm();
  }

  #arm(): void {
    this.#timer?.cancel();
    const due = [this.agent.deadlineMs, this.#dtls?.deadlineMs, this.#data?.deadlineMs].map((at) => at ?? Infinity);
    const at = Math.min(...due);
    this.#timer = at === Infinity || this.#closed ? undefined : this.#clock.at(at, () => this.#tick());
  }

  #tick(): void {
    const now = this.#clock.now();
    this.agent.tick(now);
    this.#dtls?.tick(now);
    this.#data?.tick(now);
    this.#arm();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#data?.close();
    this.#dtls?.close();
    this.agent.close();
    this.#timer?.cancel();
    await Promise.all(this.#sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
  }
}
