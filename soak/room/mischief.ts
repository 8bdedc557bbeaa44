import { integer, type Random } from "@lodeline/base";
import type { SoakPerson } from "./person.ts";
import type { SoakSource } from "./sample.ts";
import type { Stage } from "./stage.ts";

/** One kind of thing that happens to the room. `run` ends when it is over and its incident has been closed. */
export interface Mischief {
  readonly kind: string;
  /** How often it comes, relative to the others. */
  readonly weight: number;
  run(stage: Stage, random: Random): Promise<void>;
}

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const between = (random: Random, least: number, most: number) => least + integer(random, most - least + 1);

function onePerson(stage: Stage, random: Random, but?: SoakPerson): SoakPerson {
  const people = stage.people.filter((one) => one !== but);
  const person = people[integer(random, people.length)];
  if (!person) throw new Error("nobody is there");
  return person;
}

const oneSource = (random: Random): SoakSource => (integer(random, 2) === 0 ? "microphone" : "camera");

/** Everything that happens, most of it in every run. */
export const MISCHIEF: readonly Mischief[] = [
  {
    kind: "mute and unmute",
    weight: 3,
    async run(stage, random) {
      const person = onePerson(stage, random);
      const source = oneSource(random);
      await changeIntent(stage, "mute", person, source, () => person.act(`mute ${source}`));
      await wait(between(random, 1_000, 8_000));
      await changeIntent(stage, "unmute", person, source, () => person.act(`unmute ${source}`));
    },
  },
  {
    kind: "camera off and on",
    weight: 2,
    async run(stage, random) {
      const person = onePerson(stage, random);
      await changeIntent(stage, "camera off", person, "camera", () => person.act("camera off"));
      await wait(between(random, 500, 8_000));
      await changeIntent(stage, "camera on", person, "camera", () => person.act("camera on"));
    },
  },
  {
    kind: "camera pulled",
    weight: 1,
    async run(stage, random) {
      const person = onePerson(stage, random);
      await changeIntent(stage, "camera pulled", person, "camera", () => person.act("pull camera"));
      await wait(between(random, 3_000, 6_000));
      await changeIntent(stage, "camera back", person, "camera", () => person.act("camera on"));
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
      await changeIntent(stage, "moderator mutes", person, source, () =>
        moderator.moderate("mute", person.name, source),
      );
      await wait(between(random, 1_000, 6_000));
      await changeIntent(stage, "moderator allows", person, source, async () => {
        await moderator.moderate("allow", person.name, source);
        await person.act(`unmute ${source}`);
      });
    },
  },
  {
    kind: "tab reloaded",
    weight: 2,
    async run(stage, random) {
      const person = onePerson(stage, random);
      const incident = stage.begin("reload", "joining", { person: person.name });
      await person.reload();
      incident.endedMs = Date.now();
    },
  },
  {
    kind: "left and came back",
    weight: 1,
    async run(stage, random) {
      const person = onePerson(stage, random);
      const incident = stage.begin("leave and join", "joining", { person: person.name });
      await person.act("leave");
      await wait(between(random, 1_000, 4_000));
      await person.join();
      incident.endedMs = Date.now();
    },
  },
  {
    kind: "link cut",
    weight: 3,
    async run(stage, random) {
      const person = onePerson(stage, random);
      const incident = stage.begin("link cut", "unheard", { person: person.name });
      await person.act("cut link");
      incident.endedMs = Date.now();
    },
  },
  {
    kind: "packets kept back",
    weight: 3,
    async run(stage, random) {
      const from = onePerson(stage, random);
      const to = onePerson(stage, random, from);
      const source = oneSource(random);
      const forMs = between(random, 500, 8_000);
      const subscription = `${await stage.idOf(from.name)}:${source}>${await stage.idOf(to.name)}`;
      const incident = stage.begin("silence", "outage", { from: from.name, to: to.name, source });
      await stage.inject(`silence:subscription=${subscription}+${Math.round(forMs)}ms`);
      await wait(forMs);
      incident.endedMs = Date.now();
    },
  },
  {
    kind: "message lost",
    weight: 3,
    async run(stage, random) {
      const loser = onePerson(stage, random);
      const type = (["room-event", "slots", "ledger"] as const)[integer(random, 3)] ?? "ledger";
      const doer = onePerson(stage, random, loser);
      const source = oneSource(random);
      const participant = await stage.idOf(loser.name);
      await stage.inject(`msg:lose,to=client,who=${participant},type=${type}`);
      const { name } = doer;
      await changeIntent(stage, `mute, ${type} lost`, doer, source, () => doer.act(`mute ${source}`));
      // What was lost shows when nothing else follows: time enough for it to be found and told again.
      const unheard = stage.begin(`${type} lost`, "unheard", { from: name, to: loser.name, source });
      unheard.endedMs = Date.now();
      await wait(between(random, 4_000, 8_000));
      await changeIntent(stage, "unmute", doer, source, () => doer.act(`unmute ${source}`));
    },
  },
  {
    kind: "server stands still",
    weight: 1,
    async run(stage, random) {
      const incident = stage.begin("server frozen", "outage", {});
      const unheard = stage.begin("server frozen", "unheard", {});
      stage.server.signal("SIGSTOP");
      await wait(between(random, 500, 3_000));
      stage.server.signal("SIGCONT");
      incident.endedMs = Date.now();
      unheard.endedMs = incident.endedMs;
    },
  },
];

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

/** Somebody changes what a person sends; the incident ends when the change has been made. */
async function changeIntent(
  stage: Stage,
  kind: string,
  { name }: SoakPerson,
  source: SoakSource,
  change: () => Promise<unknown>,
): Promise<void> {
  const incident = stage.begin(kind, "intent", { from: name, source });
  await change();
  incident.endedMs = Date.now();
}
