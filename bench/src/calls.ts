import { type Call, type CallFault, type CallRig, type CallWay, openCallRig } from "./call-rig.ts";
import type { CallMeasure } from "./calls-page.ts";
import { type Bench, type Row, row } from "./result.ts";

/** A call has this long to find out what its path carries. */
const SETTLED_MS = 20_000;

/** What it then does is looked at for this long. */
const LOOK_MS = 10_000;

const CAP_BPS = 500_000;

/** A call under a cap has this long to settle, and is looked at for {@link LOOK_MS} after it. */
const CAP_SETTLED_MS = 10_000;

const LOSS = 0.05;
const LOSS_MS = 60_000;

type Figures = { readonly sender: CallMeasure; readonly receiver: CallMeasure };
type Progress = (text: string) => void;
type Part = (rig: CallRig, progress: Progress) => Promise<readonly Row[]>;

/** A call between two Chromiums through the engine, beside the same two without it. */
export const calls: Bench = {
  name: "calls",
  about:
    "Chromium to Chromium at 720p, through the engine and directly: a clean path, a cap of 500 kbit/s, 5 % of loss",
  async run(progress) {
    await using rig = await openCallRig();
    const parts: Readonly<Record<string, Part>> = { clean, cap, loss };
    // All of them take six minutes; CALLS=cap,loss leaves out the others.
    const wanted = process.env.CALLS?.split(",") ?? Object.keys(parts);
    const rows: Row[] = [];
    for (const name of wanted) rows.push(...((await parts[name]?.(rig, progress)) ?? []));
    return rows;
  },
};

async function clean(rig: CallRig, progress: Progress): Promise<readonly Row[]> {
  const look = async (way: CallWay, simulcast: boolean) => {
    await using call = await rig.open(way, { simulcast });
    await pass(SETTLED_MS);
    return say(progress, `clean, ${way}${simulcast ? ", simulcast" : ""}`, call, await during(call, LOOK_MS));
  };
  const direct = await look("direct", false);
  const server = await look("server", false);
  const simulcast = await look("server", true);
  const against = "the direct call";
  return [
    row("calls.clean.uplink", server.sender.sentBps / 1000, "kbit/s", against, direct.sender.sentBps / 1000),
    row("calls.clean.shown", rate(server.receiver), "frames/s", against, rate(direct.receiver)),
    row("calls.clean.simulcast", simulcast.sender.sentBps / 1000, "kbit/s", against, direct.sender.sentBps / 1000),
  ];
}

async function cap(rig: CallRig, progress: Progress): Promise<readonly Row[]> {
  const look = (way: CallWay, leg: "up" | "down", simulcast = false) =>
    faulty(rig, progress, {
      way,
      leg,
      simulcast,
      fault: { rateBps: CAP_BPS },
      settleMs: CAP_SETTLED_MS,
      lookMs: LOOK_MS,
    });
  const direct = await look("direct", "up");
  const rows: Row[] = [];
  for (const [name, leg, simulcast] of [
    ["up", "up", false],
    ["down", "down", false],
    ["down-simulcast", "down", true],
  ] as const) {
    const { settling, settled } = await look("server", leg, simulcast);
    const used = (figures: Figures) => (100 * figures.receiver.receivedBps) / CAP_BPS;
    const against = "the direct call";
    rows.push(
      row(`calls.cap-${name}.used`, used(settled), "%", against, used(direct.settled)),
      row(`calls.cap-${name}.silence`, silence(settling), "ms", against, silence(direct.settling)),
      row(`calls.cap-${name}.silence-settled`, silence(settled), "ms", against, silence(direct.settled)),
      row(`calls.cap-${name}.gap-settled`, gap(settled), "ms", against, gap(direct.settled)),
    );
  }
  return rows;
}

async function loss(rig: CallRig, progress: Progress): Promise<readonly Row[]> {
  const look = (way: CallWay, leg: "up" | "down") =>
    faulty(rig, progress, { way, leg, simulcast: false, fault: { loss: LOSS }, settleMs: 0, lookMs: LOSS_MS });
  const { settled: direct } = await look("direct", "up");
  const rows: Row[] = [];
  for (const leg of ["up", "down"] as const) {
    const { settled } = await look("server", leg);
    const against = "the direct call";
    const concealed = (figures: Figures) => 100 * figures.receiver.concealed;
    rows.push(
      row(`calls.loss-${leg}.gap`, gap(settled), "ms", against, gap(direct)),
      row(`calls.loss-${leg}.concealed`, concealed(settled), "%", against, concealed(direct)),
      row(`calls.loss-${leg}.uplink`, settled.sender.sentBps / 1000, "kbit/s", against, direct.sender.sentBps / 1000),
    );
  }
  return rows;
}

/** A call that is well for ten seconds and then is not. */
async function faulty(
  rig: CallRig,
  progress: Progress,
  options: {
    readonly way: CallWay;
    readonly leg: "up" | "down";
    readonly simulcast: boolean;
    readonly fault: CallFault;
    readonly settleMs: number;
    readonly lookMs: number;
  },
): Promise<{ readonly settling: Figures; readonly settled: Figures }> {
  const { way, leg, simulcast, fault, settleMs, lookMs } = options;
  await using call = await rig.open(way, { simulcast });
  await pass(CAP_SETTLED_MS);
  await call.mark();
  call.impose(leg, fault);
  const name = `${JSON.stringify(fault)}, ${way}${way === "server" ? ` ${leg}` : ""}${simulcast ? ", simulcast" : ""}`;
  const settling = settleMs > 0 ? say(progress, `${name}, settling`, call, await during(call, settleMs)) : undefined;
  const settled = say(progress, name, call, await during(call, lookMs));
  return { settling: settling ?? settled, settled };
}

/** What happens in the next `ms`. */
async function during(call: Call, ms: number): Promise<Figures> {
  await call.mark();
  await pass(ms);
  return call.measure();
}

function say(progress: Progress, name: string, call: Call, figures: Figures): Figures {
  const { sender, receiver } = figures;
  const kbit = (bitrateBps: number | undefined) => String(Math.round((bitrateBps ?? 0) / 1000));
  progress(
    `${name}: sent ${kbit(sender.sentBps)}, received ${kbit(receiver.receivedBps)} kbit/s, ` +
      `estimate ${kbit(sender.estimateBps)}, ${rate(receiver).toFixed(1)} frames/s of ${receiver.frameWidth}, ` +
      `longest gap ${receiver.longestFrameGapMs.toFixed(0)} ms, sound concealed ${(100 * receiver.concealed).toFixed(2)} %, ` +
      `longest ${receiver.longestSilenceMs.toFixed(0)} ms`,
  );
  const downlink = call.downlink?.downlink;
  if (downlink) {
    const { targetBps, acknowledgedBps, wantedBps, queueMs, limit } = downlink;
    progress(
      `  downlink: ${kbit(targetBps)} of ${kbit(wantedBps)} kbit/s wanted, ${kbit(acknowledgedBps)} arrive, ` +
        `lost ${(100 * downlink.loss).toFixed(1)} %, queue ${queueMs.toFixed(0)} ms, limit ${limit}`,
    );
  }
  return figures;
}

function gap({ receiver }: Figures): number {
  return receiver.longestFrameGapMs;
}

function silence({ receiver }: Figures): number {
  return receiver.longestSilenceMs;
}

function rate({ framesShown, ms }: CallMeasure): number {
  return (framesShown * 1000) / ms;
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
