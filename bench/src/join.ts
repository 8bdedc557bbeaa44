import { fileURLToPath } from "node:url";
import { launch } from "../../e2e/support/browsers.ts";
import { serveSdkPage } from "../../e2e/support/sdk-page.ts";
import type { JoinLab } from "./join-page-script.ts";
import { type Bench, quantile, row } from "./result.ts";
import { startMeasured } from "./worker-process.ts";

declare const lab: JoinLab;

const JOINS = 30;
const WARM_UP = 3;

/** From `join()` to the first decoded frame of somebody else, beside two bare connections in one page. */
export const joinBench: Bench = {
  name: "join",
  about: `${JOINS} joins of a Chromium into an sfu room with one sender, to the first remote frame decoded`,
  async run(progress) {
    await using server = await startMeasured<{ readonly url: string }>("./lodeline-process.ts");
    await using page = await serveSdkPage(fileURLToPath(new URL("./join-page-script.ts", import.meta.url)));
    await using sending = await launch("chromium");
    await using joining = await launch("chromium");
    const sender = await sending.open(page.url);
    await sender.page.evaluate((url) => lab.publish(url, "bench"), server.ready.url);
    const joiner = await joining.open(page.url);
    const joins: number[] = [];
    const direct: number[] = [];
    for (let index = -WARM_UP; index < JOINS; index++) {
      const join = await joiner.page.evaluate((url) => lab.joinOnce(url, "bench"), server.ready.url);
      const bare = await joiner.page.evaluate(() => lab.directOnce());
      if (index < 0) continue;
      joins.push(join);
      direct.push(bare);
      if ((index + 1) % 10 === 0)
        progress(`${index + 1} of ${JOINS}: last join ${join.toFixed(0)} ms, direct ${bare.toFixed(0)} ms`);
    }
    const against = "two connections in one page, no server";
    return [
      row("join.first-frame.p50", quantile(joins, 0.5), "ms", against, quantile(direct, 0.5)),
      row("join.first-frame.p95", quantile(joins, 0.95), "ms", against, quantile(direct, 0.95)),
    ];
  },
};
