import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seededRandom } from "@lodeline/base";
import { DEFAULT_TIMERS, type ServerMessage } from "@lodeline/protocol";
import { ServerLink, type ServerLinkImage, type ServerLinkOptions } from "@lodeline/signaling";

const OPTIONS: ServerLinkOptions = { id: "lk", identity: "ada", timers: DEFAULT_TIMERS, random: seededRandom(1) };
const digest = (secret: string) => [...secret].reverse().join("");

describe("another process", () => {
  it("[LINK26] goes on with the same numbers, messages and secrets", () => {
    const { image, secret, earlier } = lived(OPTIONS);
    const link = new ServerLink(OPTIONS, 1_000_000, image);
    assert.equal(link.state, "interrupted");
    assert.equal(link.heardAt, 1_000_000, "silence counts from now");
    assert.ok(link.canResume(secret, 2) && link.canResume(earlier, 1), "both secrets, from either number");
    assert.ok(!link.canResume("guess", 2));
    link.attach({ version: 1, received: 1, secret }, 1_000_100);
    const texts = textsOf(link);
    const welcome = texts.find(({ kind }) => kind === "welcome");
    assert.deepEqual([welcome?.received, welcome?.resumed, welcome?.epoch], [1, true, 2]);
    assert.deepEqual(idsIn(texts), ["s2", "s3"], "what the client lacks, and nothing else");
    link.send(message("s4"), 1_000_200);
    assert.equal(textsOf(link).at(-1)?.seq, 4);
  });

  it("[LINK26] has a whole resume window, and not a millisecond more", () => {
    const link = new ServerLink(OPTIONS, 1_000_000, lived(OPTIONS).image);
    const end = 1_000_000 + DEFAULT_TIMERS.resumeWindowMs;
    assert.equal(link.deadline(), end);
    link.tick(end - 1);
    assert.equal(link.state, "interrupted");
    link.tick(end);
    assert.equal(link.state, "expired");
  });

  it("[LINK27] takes an image from before the last acknowledgement, and none from before the last message", () => {
    const { image, secret } = lived(OPTIONS);
    const older: ServerLinkImage = { ...image, acknowledged: 0, messages: ["s1", "s2", "s3"].map(json) };
    assert.ok(new ServerLink(OPTIONS, 0, older).canResume(secret, 3));
    const tooOld: ServerLinkImage = { ...image, acknowledged: 0, messages: [json("s1")] };
    assert.ok(!new ServerLink(OPTIONS, 0, tooOld).canResume(secret, 2), "the client has what this one never sent");
  });

  it("[LINK28] keeps digests alone, which let nobody in", () => {
    const options = { ...OPTIONS, digest };
    const { image, secret, earlier } = lived(options);
    assert.ok(!JSON.stringify(image).includes(secret) && !JSON.stringify(image).includes(earlier));
    const link = new ServerLink(options, 0, image);
    assert.ok(!link.canResume(image.secret, 2) && !link.canResume(image.earlierSecret, 2));
    assert.ok(link.canResume(secret, 2) && link.canResume(earlier, 2));
  });
});

/** A link that has received one message, sent three, and been told that the first has arrived. */
function lived(options: ServerLinkOptions): { image: ServerLinkImage; secret: string; earlier: string } {
  const link = new ServerLink(options, 0);
  link.attach({ version: 1, received: 0, secret: "the-opening" }, 0);
  const secret = textsOf(link).find(({ kind }) => kind === "welcome")?.secret ?? "";
  for (const id of ["s1", "s2", "s3"]) link.send(message(id), 1);
  link.text(JSON.stringify({ kind: "data", seq: 1, ack: 1, message: { type: "leave", id: "c1" } }), 2);
  const { keys } = link;
  const { received, acknowledged, sent } = link.numbers;
  const messages = [];
  for (let seq = acknowledged + 1; seq <= sent; seq++) messages.push(link.kept(seq) ?? "");
  return { image: { ...keys, received, acknowledged, messages }, secret, earlier: "the-opening" };
}

interface Said {
  readonly kind: string;
  readonly secret?: string;
  readonly received?: number;
  readonly resumed?: boolean;
  readonly epoch?: number;
  readonly seq?: number;
  readonly message?: { readonly id: string };
}

function textsOf(link: ServerLink): Said[] {
  const texts: Said[] = [];
  for (let output = link.poll(); output; output = link.poll()) {
    if (output.kind === "text") texts.push(JSON.parse(output.text) as Said);
  }
  return texts;
}

function idsIn(texts: readonly Said[]): (string | undefined)[] {
  return texts.filter(({ kind }) => kind === "data").map((one) => one.message?.id);
}

function message(id: string): ServerMessage {
  return { type: "ok", id };
}

function json(id: string): string {
  return JSON.stringify(message(id));
}
