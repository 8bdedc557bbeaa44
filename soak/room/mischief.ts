import { integer, type Random } from "@lodeline/base";
import type { SoakPerson } from "./person.ts";
import type { SoakSource } from "./sample.ts";
import type { Stage } from "./stage.ts";
import type { Incident, WindowName } from "./windows.ts";

/** One kind of thing that happens to the room. `run` ends when it is over and its incident has been closed. */
export interface Mischief {
  readonly kind: string;
  /** How often it comes, relative to the others. */
  readonly weight: number;
  /** The fault of the server's catalogue that it uses, if any. */
  readonly fault?: string;
  /** Only where a server forwards. */
  readonly sfu?: true;
  /** `network`: of links, media or server; people and messages can do something at the same time. */
  readonly part?: "network";
  run(stage: Stage, random: Random): Promise<void>;
}

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const between = (random: Random, least: number, most: number) => least + integer(random, most - least + 1);
const oneOf = <T>(random: Random, list: readonly T[]): T => {
  const one = list[integer(random, list.length)];
  if (one === undefined) throw new Error("an empty list");
  return one;
};
const onePerson = (stage: Stage, random: Random, but?: SoakPerson) =>
  oneOf(
    random,
    stage.people.filter((one) => one !== but),
  );
const oneSource = (random: Random) => oneOf<SoakSource>(random, ["microphone", "camera"]);

/** What people and moderators do of their own accord, and what happens to their pages. */
const PEOPLE: readonly Mischief[] = [
  {
    kind: "mute and unmute",
    weight: 3,
    async run(stage, random) {
      await muteForAWhile(stage, onePerson(stage, random), oneSource(random), between(random, 1_000, 8_000));
    },
  },
  {
    kind: "camera off and on",
    weight: 2,
    async run(stage, random) {
      const person = onePerson(stage, random);
      await changeIntent(stage, "camera off", person, "camera", false, () => person.act("camera off"));
      await wait(between(random, 500, 8_000));
      await changeIntent(stage, "camera on", person, "camera", true, () => person.act("camera on"));
    },
  },
  {
    kind: "camera pulled",
    weight: 1,
    async run(stage, random) {
      const person = onePerson(stage, random);
      await changeIntent(stage, "camera pulled", person, "camera", false, () => person.act("pull camera"));
      await wait(between(random, 3_000, 6_000));
      await changeIntent(stage, "camera plugged in", person, "camera", true, () => person.act("camera on"));
    },
  },
  {
    kind: "muted by a moderator",
    weight: 2,
    async run(stage, random) {
      const [moderator] = stage.people;
      if (!moderator) return;
      const person = onePerson(stage, random, moderator);
      const source = oneSource(random);
      const { name } = person;
      await changeIntent(stage, "moderator mutes", person, source, false, () =>
        moderator.moderate("mute", name, source),
      );
      await wait(between(random, 1_000, 6_000));
      await changeIntent(stage, "moderator allows", person, source, true, async () => {
        await moderator.moderate("allow", name, source);
        await person.act(`unmute ${source}`);
      });
    },
  },
  {
    kind: "tab reloaded",
    weight: 2,
    async run(stage, random) {
      const person = onePerson(stage, random);
      await during(stage, "reload", "joining", { person: person.name }, () => person.reload());
    },
  },
  {
    kind: "left and came back",
    weight: 1,
    async run(stage, random) {
      const person = onePerson(stage, random);
      await during(stage, "leave and join", "joining", { person: person.name }, async () => {
        await person.act("leave");
        await wait(between(random, 1_000, 4_000));
        await person.join();
      });
    },
  },
  {
    kind: "link closed",
    weight: 2,
    async run(stage, random) {
      const person = onePerson(stage, random);
      await during(stage, "link closed", "none", { person: person.name }, () => person.act("cut link"));
    },
  },
];

/** Faults of messages, each with a change that the lost, late or doubled message was to tell. */
const MESSAGES: readonly Mischief[] = (["lose", "hold", "double"] as const).map((fate) => ({
  kind: `messages: ${fate}`,
  weight: 3,
  fault: "msg",
  async run(stage, random) {
    const source = oneSource(random);
    const doer = onePerson(stage, random);
    const loser = integer(random, 2) === 0 ? doer : onePerson(stage, random, doer);
    const to = loser === doer ? oneOf(random, ["client", "server"]) : "client";
    const types = to === "client" ? ["room-event", "slots", "ledger", "ok"] : ["media-state", "receipt"];
    const type = oneOf(random, types);
    const holdMs = between(random, 500, 5_000);
    const fated = fate === "hold" ? `hold=${holdMs}ms` : fate;
    const fault = await stage.inject(`msg:${fated},to=${to},type=${type},who=${await stage.idOf(loser.name)}`);
    const rows = { from: doer.name, source, ...(loser === doer ? {} : { to: loser.name }) };
    const unheard = stage.begin(`${type} to ${to}: ${fate}`, "unheard", rows, false);
    await changeIntent(stage, "mute", doer, source, false, () => doer.act(`mute ${source}`));
    await wait(fate === "hold" ? holdMs : 0);
    unheard.endedMs = Date.now();
    // Nothing else follows for a while, so that what was lost has to be found by itself.
    await wait(between(random, 4_000, 8_000));
    await changeIntent(stage, "unmute", doer, source, true, () => doer.act(`unmute ${source}`));
    await stage.mend(fault);
  },
}));

/** Faults of the links' connections: media flows on, so nothing may differ. */
const LINKS: readonly Mischief[] = [
  ["links cut at random bytes", () => "cut=2k,cuts=6"],
  ["links stalled", (random: Random) => `stall=${oneOf(random, ["up", "down", "both"])}`],
  ["links slow", (random: Random) => `delay=${between(random, 50, 800)}ms`],
].map(([kind, parameters]) => ({
  kind: kind as string,
  weight: 2,
  fault: "tcp",
  part: "network" as const,
  async run(stage, random) {
    const forMs = between(random, 1_000, 12_000);
    const spec = `tcp:${(parameters as (random: Random) => string)(random)},seed=${integer(random, 1e6)}+${forMs}ms`;
    await during(stage, kind as string, "none", {}, () =>
      stage.troublesLinks(async () => {
        await stage.inject(spec);
        await wait(forMs);
      }),
    );
  },
}));

/** Faults of media on its way. */
const MEDIA: readonly Mischief[] = [
  {
    kind: "packets of one track kept back",
    weight: 3,
    fault: "silence",
    sfu: true,
    part: "network",
    async run(stage, random) {
      const from = onePerson(stage, random);
      const to = onePerson(stage, random, from);
      const source = oneSource(random);
      const forMs = between(random, 500, 8_000);
      const subscription = `${await stage.idOf(from.name)}:${source}>${await stage.idOf(to.name)}`;
      await during(stage, "silence", "outage", { from: from.name, to: to.name, source }, async () => {
        await stage.inject(`silence:subscription=${subscription}+${forMs}ms`);
        await wait(forMs);
      });
    },
  },
  udp("datagrams lost", "lossy", (random) => `loss=${between(random, 1, 8)}%`),
  udp(
    "datagrams late and out of order",
    "none",
    (random) => `delay=20ms,jitter=${between(random, 5, 40)}ms,reorder=2%`,
  ),
  udp("no datagrams", "outage", (random) => `dead=${oneOf(random, ["up", "down", "both"])}`),
  udp("ports change", "moved", () => "rebind"),
  udp("addresses change", "moved", () => "move"),
];

/** Faults of the server as a whole. */
const SERVER: readonly Mischief[] = [
  {
    kind: "server stands still",
    weight: 1,
    part: "network",
    async run(stage, random) {
      const unheard = stage.begin("server frozen", "unheard", {});
      await during(stage, "server frozen", "outage", {}, () =>
        stage.troublesLinks(async () => {
          stage.server.signal("SIGSTOP");
          await wait(between(random, 500, 3_000));
          stage.server.signal("SIGCONT");
        }),
      );
      unheard.endedMs = Date.now();
    },
  },
];

/** Only where rooms survive it: without a store everybody would have to join anew. */
export const RESTART: Mischief = {
  kind: "server killed",
  weight: 1,
  part: "network",
  async run(stage, random) {
    await during(stage, "server killed", "restart", {}, () =>
      stage.troublesLinks(() => stage.restart(between(random, 0, 1_500))),
    );
  },
};

/** Everything that happens. */
export const MISCHIEF: readonly Mischief[] = [...PEOPLE, ...MESSAGES, ...LINKS, ...MEDIA, ...SERVER];

/** Chooses the next by weight. */
export function choose(random: Random, among: readonly Mischief[]): Mischief {
  let left = integer(
    random,
    among.reduce((sum, one) => sum + one.weight, 0),
  );
  for (const one of among) {
    left -= one.weight;
    if (left < 0) return one;
  }
  throw new Error("nothing to choose from");
}

function udp(kind: string, window: WindowName, parameters: (random: Random) => string): Mischief {
  return {
    kind,
    weight: 2,
    fault: "udp",
    sfu: true,
    part: "network",
    async run(stage, random) {
      const forMs = window === "moved" ? 200 : between(random, 2_000, 10_000);
      const spec = `udp:${parameters(random)},seed=${integer(random, 1e6)}+${forMs}ms`;
      await during(stage, kind, window, {}, async () => {
        await stage.inject(spec);
        await wait(forMs);
      });
    },
  };
}

async function muteForAWhile(stage: Stage, person: SoakPerson, source: SoakSource, forMs: number): Promise<void> {
  await changeIntent(stage, "mute", person, source, false, () => person.act(`mute ${source}`));
  await wait(forMs);
  await changeIntent(stage, "unmute", person, source, true, () => person.act(`unmute ${source}`));
}

/** Somebody changes what a person sends; the incident ends when the change has been made. */
async function changeIntent(
  stage: Stage,
  kind: string,
  { name }: SoakPerson,
  source: SoakSource,
  flowsAfter: boolean,
  change: () => Promise<unknown>,
): Promise<void> {
  const rows = { from: name, source };
  await during(stage, kind, "intent", rows, change, flowsAfter);
  // Nobody can hear of it while links are in trouble.
  const inTrouble = stage.linksWell();
  if (inTrouble) await during(stage, `${kind}, links in trouble`, "unheard", rows, () => inTrouble, flowsAfter);
}

async function during(
  stage: Stage,
  kind: string,
  window: WindowName,
  rows: Incident["rows"],
  work: () => Promise<unknown>,
  flowsAfter = true,
): Promise<void> {
  const incident = stage.begin(kind, window, rows, flowsAfter);
  await work();
  incident.endedMs = Date.now();
}
