import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RemoteCandidates } from "../src/remote-candidates.ts";

const HOST = "candidate:1 1 udp 2113937151 0e3f1a2b.local 51234 typ host generation 0 ufrag good network-cost 999";

describe("remote candidates", () => {
  it("[CAND1] takes what fits", async () => {
    const candidates = new RemoteCandidates();
    candidates.negotiated("good", ["0", "1"]);
    await candidates.add({ candidate: HOST, sdpMid: "0", usernameFragment: "good" });
    await candidates.add({ candidate: HOST.replace(" ufrag good", ""), sdpMid: null });
    await candidates.add({ candidate: "", sdpMid: "0", usernameFragment: "good" });
    await candidates.add(null);
    assert.equal(candidates.accepted, 2);
  });

  const wrong = {
    "another negotiation by its field": { candidate: HOST, sdpMid: "0", usernameFragment: "bad" },
    "another negotiation by its text": { candidate: HOST.replace("good", "bad"), sdpMid: "0" },
    "an unknown section": { candidate: HOST, sdpMid: "9" },
    "text that is no candidate": { candidate: "candidate:hello", sdpMid: "0" },
    "an unknown type": { candidate: HOST.replace("typ host", "typ other"), sdpMid: "0" },
    "endless text": { candidate: `${HOST} ${"x".repeat(2000)}`, sdpMid: "0" },
  };
  for (const [what, candidate] of Object.entries(wrong)) {
    it(`[CAND1] refuses ${what}`, async () => {
      const candidates = new RemoteCandidates();
      candidates.negotiated("good", ["0"]);
      await assert.rejects(candidates.add(candidate), { code: "candidate/refused" });
    });
  }

  it("[CAND1] refuses one too many, until ICE restarts", async () => {
    const candidates = new RemoteCandidates();
    candidates.negotiated("good", ["0"]);
    for (let i = 0; i < 100; i++) await candidates.add({ candidate: HOST });
    await assert.rejects(candidates.add({ candidate: HOST }), { code: "candidate/too-many" });
    candidates.negotiated("next", ["0"]);
    await candidates.add({ candidate: HOST.replace("good", "next") });
  });

  it("[CAND2] keeps early ones for the offer, and lets them go with the transport", async () => {
    const candidates = new RemoteCandidates();
    const good = candidates.add({ candidate: HOST });
    const bad = assert.rejects(candidates.add({ candidate: HOST.replace("good", "bad") }), {
      code: "candidate/refused",
    });
    candidates.negotiated("good", ["0"]);
    await Promise.all([good, bad]);
    const never = new RemoteCandidates();
    const waiting = assert.rejects(never.add(null), { code: "media/closed" });
    never.close();
    await waiting;
  });
});
