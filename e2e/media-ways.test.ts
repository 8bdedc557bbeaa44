import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { createLoopbackPeer, hostAddresses } from "@lodeline/media";
import { launch } from "./support/browsers.ts";
import { lab, ofKind, until } from "./support/lab-driver.ts";
import { openMediaLab } from "./support/media-lab.ts";

const hasIpv6 = hostAddresses({ ipv6: true }).includes("::1");

describe("media by other ways than UDP over IPv4", { timeout: 60_000 }, () => {
  it("flows both ways over TCP in Chromium where no UDP candidate is known", async (t) => {
    const browser = await launch("chromium");
    try {
      await using media = await openMediaLab(
        (_name, { transport, sections }, engine) => {
          createLoopbackPeer(engine, transport, sections);
        },
        { tcp: true },
        (answer) => answer.replace(/^a=candidate:.* udp .*\r\n/gm, ""),
      );
      const { page } = await browser.open(media.url);
      const { connectMs } = await lab(page, "connect", {
        name: "tcp",
        echo: true,
        data: true,
        width: 640,
        height: 360,
      });
      t.diagnostic(`connected in ${connectMs.toFixed(0)} ms`);
      await until(
        "echo",
        () => lab(page, "received"),
        (now) =>
          ofKind(now, "video").some((one) => one.framesDecoded > 20) &&
          ofKind(now, "audio").some((one) => one.packetsReceived > 50 && one.totalAudioEnergy > 0),
      );
      assert.equal(await lab(page, "ping", "by TCP?"), "by TCP?");
      assert.equal(media.engine.resources().paths, 1);
      await lab(page, "hangUp");
    } finally {
      await browser.close();
    }
  });

  it("flows over IPv6, by UDP", { skip: hasIpv6 ? false : "no ::1 here" }, async (t) => {
    const browser = await launch("chromium");
    try {
      await using media = await openMediaLab(
        (_name, { transport, sections }, engine) => {
          createLoopbackPeer(engine, transport, sections);
        },
        { addresses: ["::1"] },
      );
      const { page } = await browser.open(media.url);
      const { connectMs } = await lab(page, "connect", {
        name: "ipv6",
        echo: true,
        data: true,
        width: 640,
        height: 360,
      });
      t.diagnostic(`connected in ${connectMs.toFixed(0)} ms`);
      await until(
        "echo",
        () => lab(page, "received"),
        (now) => ofKind(now, "video").some((one) => one.framesDecoded > 20),
      );
      assert.equal(await lab(page, "ping", "by IPv6?"), "by IPv6?");
      await lab(page, "hangUp");
    } finally {
      await browser.close();
    }
  });

  it("keeps no strangers on TCP: noise, and silence for too long, end a connection", async () => {
    await using media = await openMediaLab(() => {}, { tcp: true, addresses: ["127.0.0.1"] });
    const { candidates } = await media.engine.ready();
    const port = candidates.find(({ transport }) => transport === "tcp")?.port ?? assert.fail("no TCP candidate");
    const noisy = connect(port, "127.0.0.1");
    await once(noisy, "connect");
    noisy.write("GET / HTTP/1.1\r\n\r\n");
    noisy.on("error", () => {});
    const silent = connect(port, "127.0.0.1");
    silent.on("error", () => {});
    await Promise.all([once(noisy, "close"), once(silent, "close")]);
    assert.equal(media.engine.resources().paths, 0);
  });
});
