import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { offeredVideoCodecs } from "../src/offered-codecs.ts";

describe("offered codecs", () => {
  it("[HUB57] are the names of all video codecs, each once, without repair and without sound", () => {
    const lines = ["m=audio 9 x 111", "a=rtpmap:111 opus/48000/2", "m=video 9 x 96 97 45", "a=rtpmap:96 VP8/90000"];
    const sdp = [
      ...lines,
      "a=rtpmap:97 rtx/90000",
      "a=rtpmap:45 AV1/90000",
      "m=video 9 x 45",
      "a=rtpmap:45 AV1/90000",
      "",
    ];
    assert.deepEqual(offeredVideoCodecs(sdp.join("\r\n")), ["vp8", "av1"]);
    assert.deepEqual(offeredVideoCodecs("nothing of the kind"), []);
  });
});
