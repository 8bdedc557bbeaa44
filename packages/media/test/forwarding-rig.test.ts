import assert from "node:assert/strict";
import { it } from "node:test";
import { createForwardingRig } from "@lodeline/media/bench";

it("[SFU1] the measured path forwards every packet to every receiver", () => {
  const counts = [0, 0, 0];
  const sizes = new Set<number>();
  const rig = createForwardingRig({
    receivers: 3,
    payloadBytes: 1100,
    send: (bytes, receiver) => {
      counts[receiver] = (counts[receiver] ?? 0) + 1;
      sizes.add(bytes.length);
    },
  });
  for (const [index, datagram] of rig.prepare(1000).entries()) rig.handle(datagram, index);
  assert.deepEqual(counts, [1000, 1000, 1000]);
  // 12 bytes of header, 8 of extension with the MID, the payload, 16 of tag.
  assert.deepEqual([...sizes], [12 + 8 + 1100 + 16]);
});
