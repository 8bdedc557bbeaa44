import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { LodelineError, seededRandom } from "@lodeline/base";
import {
  DecodeTargetSelector,
  DependencyDescriptor,
  PayloadInspector,
  parseRtcp,
  RtpPacket,
  readTextExtension,
  ScalableLayers,
  SequenceCompactor,
  unwrapRtx,
} from "@lodeline/rtp";
import { createDtlsCertificate } from "../src/dtls/certificate.ts";
import { DtlsLink } from "../src/dtls/dtls-link.ts";
import { parseStun } from "../src/ice/stun-message.ts";
import { readOffer } from "../src/sdp/offer.ts";
import { agreedSections, readAnswer } from "../src/sdp/remote-answer.ts";
import { SRTP_PROFILE } from "../src/srtp/srtp-keys.ts";
import { SrtpSender } from "../src/srtp/srtp-sender.ts";
import { FuzzInputs } from "./fuzz-inputs.ts";
import { answerOf, OWN, offerOf } from "./own-descriptions.ts";
import { type PacketPath, PEER_KEYS, RigBrowser, RigClock, section, vp8 } from "./plane-rig.ts";

const SSRC = 7;
/** After so many inputs everything is made anew, so that nothing that is once broken hides what comes later. */
const RENEW_EVERY = 20_000;
/** A dependency descriptor with the structure of L1T2. */
const DESCRIPTOR = Buffer.from("bc000587811ebc5141010c09fc059c", "hex");
/** Our own offer, for what answers it. */
const OWN_OFFER = offerOf([{ kind: "audio" }, { kind: "video" }, { kind: "application" }]);

const OFFERS = ["chromium-echo", "chromium-slots", "firefox-slots"].map((name) =>
  readFileSync(new URL(`fixtures/${name}.sdp`, import.meta.url), "utf8"),
);

const ANSWER = answerOf(OWN_OFFER.sdp).sdp;

/** One kind of input, how often it comes, and what takes it. */
interface Target {
  readonly weight: number;
  feed(inputs: FuzzInputs): void;
}

/**
 * Feeds inputs by a seed to every reader of what comes from outside: RTP, RTCP, STUN, DTLS records, descriptions, and a
 * publisher with receivers that takes them as datagrams, protected and not.
 *
 * @returns How many inputs each kind got. What throws anything but a refusal ends it.
 */
export async function fuzzPath(path: PacketPath, seed: number, count: number): Promise<Record<string, number>> {
  const inputs = new FuzzInputs(seededRandom(seed));
  const certificate = await createDtlsCertificate();
  const fed: Record<string, number> = {};
  let targets: [string, Target][] = [];
  let weight = 0;
  for (let each = 0; each < count; each++) {
    if (each % RENEW_EVERY === 0) {
      targets = Object.entries({ ...readers(certificate), ...room(path) });
      weight = targets.reduce((sum, [, target]) => sum + target.weight, 0);
    }
    const [name, target] = chosen(targets, inputs.below(weight));
    target.feed(inputs);
    fed[name] = (fed[name] ?? 0) + 1;
  }
  return fed;
}

function chosen(targets: readonly [string, Target][], at: number): [string, Target] {
  let passed = 0;
  for (const one of targets) {
    passed += one[1].weight;
    if (at < passed) return one;
  }
  return assert.fail();
}

function readers(certificate: Awaited<ReturnType<typeof createDtlsCertificate>>): Record<string, Target> {
  const packet = new RtpPacket();
  const payload = new PayloadInspector();
  const place = { offset: 0, lengthBytes: 0 };
  const codecs = ["opus", "vp8", "vp9", "h264", "av1"] as const;
  const links = (["client", "server"] as const).map((role) => {
    const events = { onState: () => {}, onKeys: () => {}, onData: () => {}, send: () => {} };
    const link = new DtlsLink({ role, certificate, fingerprints: [{ hash: "sha-256", value: "00" }], events });
    link.start(0);
    return link;
  });
  return {
    rtp: {
      weight: 40,
      feed: (inputs) => {
        if (!packet.parse(inputs.packet(SSRC, inputs.below(65_536)))) return;
        readTextExtension(packet, inputs.below(16), place);
        for (const codec of codecs) payload.inspect(codec, packet);
        unwrapRtx(packet, 1, 96);
      },
    },
    layers: { weight: 10, feed: layerReader() },
    rtcp: { weight: 20, feed: (inputs) => void parseRtcp(inputs.compound()) },
    stun: { weight: 15, feed: (inputs) => void parseStun(inputs.stun()) },
    dtls: { weight: 10, feed: (inputs) => links[inputs.below(2)]?.handle(inputs.records(), 0) },
    sdp: {
      weight: 1,
      feed: (inputs) => refusable(() => readOffer(inputs.description(OFFERS[inputs.below(3)] as string))),
    },
    answer: {
      weight: 1,
      feed: (inputs) =>
        refusable(() =>
          agreedSections(readAnswer(inputs.description(ANSWER), OWN_OFFER.sections), OWN_OFFER.sections, OWN),
        ),
    },
  };
}

/** A scalable stream whose descriptors are mostly right, and a subscription that wants something else now and then. */
function layerReader(): (inputs: FuzzInputs) => void {
  const packet = new RtpPacket();
  const payload = new PayloadInspector();
  const layers = new ScalableLayers();
  const selector = new DecodeTargetSelector();
  const compactor = new SequenceCompactor();
  const descriptor = new DependencyDescriptor();
  let structured = 0;
  let sequence = 0;
  return (inputs) => {
    const structure = descriptor.parse(DESCRIPTOR, 0, DESCRIPTOR.length, undefined) ? descriptor.attached : undefined;
    const damaged = inputs.change(Buffer.from(DESCRIPTOR), 6);
    descriptor.parse(damaged, 0, inputs.below(damaged.length + 2), structure);
    if (!packet.parse(inputs.packet(SSRC, sequence & 0xffff))) return;
    payload.inspect(inputs.below(2) === 0 ? "vp9" : "av1", packet);
    layers.handle(packet, payload, inputs.below(15) + 1, sequence);
    if (structured !== layers.structureVersion) selector.restructure(layers.targets);
    structured = layers.structureVersion;
    if (inputs.below(20) === 0) selector.aim(inputs.below(34) - 1);
    const wanted = layers.frame !== undefined && selector.decide(layers.frame) !== "drop";
    sequence += inputs.below(6) - 1;
    compactor.take(sequence, wanted);
    layers.states({ rid: "", width: 0, height: 0, bitrateBps: 0, active: true }, sequence);
  };
}

function refusable(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof LodelineError)) throw error;
  }
}

/** A publisher that is connected, and receivers of what it sends. */
function room(path: PacketPath): Record<string, Target> {
  const clock = new RigClock(path);
  const publisher = new RigBrowser(clock, [section("0", "audio", "recvonly"), section("1", "video", "recvonly")], 1);
  const receiver = new RigBrowser(clock, [section("2", "audio", "sendonly"), section("3", "video", "sendonly")], 2);
  receiver.plane.forward("video", publisher.plane.publish("camera", "1", "video"), "3");
  receiver.plane.forward("audio", publisher.plane.publish("microphone", "0", "audio"), "2");
  const sender = new SrtpSender(SRTP_PROFILE.aeadAes128Gcm, PEER_KEYS);
  publisher.send({ ssrc: SSRC, sequenceNumber: 1, mid: "1", payload: vp8(1, true) });
  let sequence = 1;
  const protect = (plain: Buffer, at: number) => {
    const out = Buffer.concat([plain, Buffer.alloc(16)]);
    return out.subarray(0, sender.protectRtp(out, at, plain.length, plain.readUInt32BE(8), plain.readUInt16BE(2)));
  };
  return {
    strangers: {
      weight: 8,
      feed: (inputs) => {
        clock.now += inputs.below(20);
        publisher.plane.handle(inputs.datagram(), clock.now);
      },
    },
    peers: {
      weight: 5,
      feed: (inputs) => {
        clock.now += inputs.below(20);
        sequence += inputs.below(20) === 0 ? inputs.below(500) : 1;
        const view = new RtpPacket();
        const plain = inputs.packet(inputs.below(12) === 0 ? inputs.below(2 ** 31) : SSRC, sequence);
        // A peer's own numbers are in order; what is in the packet need not be.
        plain.writeUInt16BE(sequence & 0xffff, 2);
        if (view.parseHeader(plain)) {
          publisher.plane.handle(protect(plain, view.payloadOffset), clock.now);
        }
        receiver.got.length = receiver.feedback.length = publisher.feedback.length = 0;
      },
    },
    reports: {
      weight: 1,
      feed: (inputs) => {
        const compound = inputs.compound();
        if (compound.length >= 8) receiver.plane.handle(sender.protectRtcp(compound), clock.now);
        publisher.plane.tick(clock.now);
        receiver.plane.tick(clock.now);
        receiver.got.length = receiver.feedback.length = publisher.feedback.length = 0;
      },
    },
  };
}
