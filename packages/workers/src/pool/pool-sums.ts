import type { EngineAnswers, EngineLoad, EngineStats } from "../engine/messages.ts";
import type { Request } from "../engine/performers.ts";
import type { Member } from "./member.ts";

/** How busy all members are together: sums, and the mean of their utilization. */
export function loadOfAll(members: readonly Member[]): EngineLoad {
  const loads = members.flatMap(({ load }) => (load ? [load] : []));
  const sum = (of: (load: EngineLoad) => number) => loads.reduce((total, load) => total + of(load), 0);
  return {
    transports: sum(({ transports }) => transports),
    packetsPerSecond: sum(({ packetsPerSecond }) => packetsPerSecond),
    utilization: sum(({ utilization }) => utilization) / members.length,
  };
}

/** The numbers of all members that answer, in one batch. */
export async function statsOfAll(members: readonly Member[], request: Request<"stats">): Promise<EngineStats> {
  const asked = members.flatMap(({ engine }) => (engine ? [engine.ask(request)] : []));
  const answers = (await Promise.allSettled(asked)).flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  return {
    publications: answers.flatMap(({ publications }) => publications),
    forwarders: answers.flatMap(({ forwarders }) => forwarders),
  };
}

/** The media sockets of all members that are up. */
export async function socketsOfAll(members: readonly Member[]): Promise<EngineAnswers["ready"]> {
  const answers = await Promise.all(members.map(({ engine }) => engine?.ask({ kind: "ready" })));
  return { sockets: answers.flatMap((answer) => answer?.sockets ?? []) };
}
