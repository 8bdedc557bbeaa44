import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { LodelineProcess } from "./support/lodeline-process.ts";
import { makeOffer } from "./support/offer.ts";
import { NO_SOURCES, RawLink } from "./support/raw-link.ts";

const environment = { LODELINE_MEDIA_KEY: `shared:${"0123456789abcdef".repeat(3)}` };

/** How long the event loop of the media process stands still. */
const BLOCKED_MS = 5_000;
/** Far less than that, and far more than a join takes on a busy machine. */
const PROMPT_MS = 2_500;

/** What a person does does not come faster. */
const BETWEEN_MS = 200;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Joins a room with an offer. @returns The answer to `join`, and how long it took. */
async function joins(link: RawLink, name: string) {
  const sdp = makeOffer([{ kind: "audio", direction: "sendonly" }]);
  const offer = { sdp, sends: [{ mid: "0", source: "microphone" as const }], receives: [] };
  const sources = { ...NO_SOURCES, microphone: { intent: "live" as const, mutedBy: null } };
  const session = { session: `s_${name}`, offer };
  const began = performance.now();
  link.send({ type: "join", id: "join", room: "den", name, topology: "sfu", sources, session });
  const joined = await link.message(({ type }) => type === "joined" || type === "error");
  assert.ok(joined.type === "joined", JSON.stringify(joined));
  return { joined, tookMs: performance.now() - began };
}

describe("control while media stands still", { timeout: 60_000 }, () => {
  let media: LodelineProcess;
  let control: LodelineProcess;
  let url = "";
  const links: RawLink[] = [];

  before(async () => {
    media = new LodelineProcess(["media", "--listen", "127.0.0.1:0", "--workers", "1"], { environment });
    const [, address = ""] = await media.says(/media listens at (\S+)\./);
    control = new LodelineProcess(["dev", "--port", "0", "--media", address], { environment });
    [, url = ""] = await control.says(/(http:\/\/127\.0\.0\.1:\d+)/);
  });
  after(() => {
    for (const link of links) link[Symbol.dispose]();
    control[Symbol.dispose]();
    media[Symbol.dispose]();
  });

  const greet = async (name: string) => {
    const link = await RawLink.greet(`${url.replace("http", "ws")}/v1/link`, { name });
    links.push(link);
    return link;
  };

  it("a join, a message between two in the room and a request are answered at once, and the media's answer follows", async (t) => {
    const ada = await greet("ada");
    const first = await joins(ada, "ada");
    assert.ok(first.joined.answer, "a media process that runs answers with the join");

    media.signal("SIGSTOP");
    const stoppedAt = performance.now();
    const ben = await greet("ben");
    const { joined, tookMs } = await joins(ben, "ben");
    assert.equal(joined.answer, undefined);
    assert.ok(tookMs < PROMPT_MS, `a join took ${tookMs.toFixed(0)} ms`);
    await ada.message((message) => message.type === "room-event" && JSON.stringify(message).includes("ben"));
    const toldMs = performance.now() - stoppedAt;
    assert.ok(toldMs < PROMPT_MS, `the others were told after ${toldMs.toFixed(0)} ms`);

    const times: number[] = [];
    while (performance.now() - stoppedAt < BLOCKED_MS) {
      const asked = performance.now();
      const id = `muted-${times.length}`;
      const microphone = { intent: times.length % 2 === 0 ? "muted" : "live", mutedBy: null };
      ada.send({ type: "media-state", id, revision: times.length + 2, sources: { ...NO_SOURCES, microphone } });
      const done = await ada.message(
        (message) => (message.type === "ok" || message.type === "error") && message.id === id,
      );
      assert.equal(done.type, "ok", JSON.stringify(done));
      assert.equal((await fetch(`${url}/healthz`)).status, 200);
      times.push(performance.now() - asked);
      await sleep(BETWEEN_MS);
    }
    assert.ok(Math.max(...times) < PROMPT_MS, `${times.map(Math.round)}`);
    assert.ok(
      !ben.frames.some((frame) => frame.kind === "data" && frame.message.type === "signal"),
      "nothing answered in place of the media process",
    );

    media.signal("SIGCONT");
    const answer = await ben.message(({ type }) => type === "signal");
    assert.ok(answer.type === "signal" && answer.signal.body.kind === "answer", JSON.stringify(answer));
    t.diagnostic(
      `join ${tookMs.toFixed(0)} ms (${first.tookMs.toFixed(0)} with media running); ${times.length} round trips, ` +
        `longest ${Math.max(...times).toFixed(0)} ms, while media stood still for ${BLOCKED_MS} ms`,
    );
  });
});
