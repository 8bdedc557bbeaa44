import type { EngineAsk } from "./forward-process.ts";
import { LoadPeer } from "./load-peer.ts";
import type { Contestant } from "./pace.ts";
import type { ReceiverReports } from "./receiver-reports.ts";
import type { Sinks } from "./sinks.ts";
import { type Measured, startMeasured } from "./worker-process.ts";

/** Our engine, measured. */
export interface EngineContestant extends Contestant {
  readonly process: Measured<unknown>;
  readonly publisher: LoadPeer;
  readonly receivers: readonly LoadPeer[];
}

/** Our engine in a process of its own, with a publisher and receivers connected to it, which report what comes. */
export async function engineContestant(
  stack: AsyncDisposableStack,
  sinks: Sinks,
  options: {
    readonly receivers: number;
    readonly native: boolean;
    readonly address: string;
    readonly reports?: ReceiverReports;
  },
): Promise<EngineContestant> {
  const { native, address, reports } = options;
  const process = stack.use(
    await startMeasured<{ readonly path: string }>("./forward-process.ts", { native, address }),
  );
  if (native && process.ready.path !== "kernel") throw new Error("the packet kernel is not built");
  const publisher = stack.adopt(await connect(process, "publisher", "sendonly", address), (peer) => peer.close());
  await process.ask({ kind: "publish", id: "publisher" } satisfies EngineAsk);
  const receivers: LoadPeer[] = [];
  for (let index = 0; index < options.receivers; index++) {
    const id = `receiver-${index}`;
    const receiver = stack.adopt(await connect(process, id, "recvonly", address), (peer) => peer.close());
    receiver.sinkInto(sinks);
    reports?.add(receiver);
    receivers.push(receiver);
    await process.ask({ kind: "forward", id } satisfies EngineAsk);
  }
  return {
    name: native ? "kernel" : "typescript",
    process,
    publisher,
    receivers,
    sinks: receivers.map(({ sink }) => sink),
    sentName: "packetsOut",
    burst: (packets, keyFrame) => publisher.burst(packets, keyFrame),
  };
}

function connect(
  process: Measured<unknown>,
  id: string,
  direction: "sendonly" | "recvonly",
  address: string,
): Promise<LoadPeer> {
  return LoadPeer.offer(direction, address, async (sdp) => {
    const answer = await process.ask({ kind: "offer", id, sdp } satisfies EngineAsk);
    return String(answer["sdp"]);
  });
}
