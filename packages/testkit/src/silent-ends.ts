import type { Passing } from "@lodeline/hub";
import type { SimulatedPerson } from "./simulated-person.ts";
import type { World } from "./world.ts";

/**
 * Nobody tells that a wire is dead: an open link finds out when a ping has no answer, an attempt to connect by its own deadline,
 * and after that comes the wait until the next one, as for a greeting that vanished.
 */
export function waitForSilence(world: World, { participant }: SimulatedPerson): void {
  world.await("suspectWireMs");
  if (participant && participant.linkState !== "open") world.await("connectMs", world.timers.reconnectMaxMs);
}

/**
 * The disk has the links of pages that vanished as well, while they may be resumed; a call that still rings there waits
 * for a lease from now on.
 *
 * @returns Whether one does.
 */
export function renewSilences({ clock, timers, silentSince, people }: World): boolean {
  const now = clock.now();
  const kept = [...silentSince].filter(([, sinceMs]) => now - sinceMs < timers.linkLostMs + timers.resumeWindowMs);
  for (const [identity] of kept) silentSince.set(identity, now);
  return kept.some(([identity]) => isCalled({ people }, identity));
}

/** Whether somebody rings at an identity, as far as the caller knows. */
export function isCalled({ people }: Pick<World, "people">, identity: string): boolean {
  return people.some((one) => one.participant?.session(`call:${identity}`)?.state.kind === "OutgoingInit");
}

/** Of a call's words these are said again until they are answered, or are the answer. */
const SAID_AGAIN: ReadonlySet<string> = new Set(["call:init", "accept", "reject", "offer", "answer"]);
/** So many copies of a question there are after the first. */
const MOST_TIMES = 4;

/** A word of a call vanishes above the link. Where nobody says it again, its session's own timers find out. */
export function waitForSignal(world: World, message: Passing["message"]): void {
  if (message.type !== "signal" || message.scope !== "call") return;
  const { session, epoch, body } = message.signal;
  if (SAID_AGAIN.has(body.kind)) {
    const question = `${session}/${epoch}`;
    const lost = (world.lostWords.get(question) ?? 0) + 1;
    world.lostWords.set(question, lost);
    // Each loss costs one copy of the question at most: another is to come.
    if (lost <= MOST_TIMES) return world.await("saidAgainMs");
  }
  world.await(body.kind === "call:init" ? "noAnswerMs" : "negotiatingMs");
}

/** Who was in a call with somebody who vanished finds out by the transport alone. */
export function waitForCalls(world: World, person: SimulatedPerson): void {
  const calls = person.participant?.sessions.some((one) => one.use === "call") ?? false;
  const called = world.people.some((one) => one.participant?.session(`call:${person.identity}`) !== undefined);
  if (calls || called) world.await("recoveryMs");
}

/** A goodbye that was said so lately may be on its way, or not on the disk, when the server's process dies, ms. */
const GOODBYE_IN_DOUBT_MS = 1_000;

/** The server's process dies: to the next one, a page whose goodbye it may not have kept has fallen silent. */
export function waitForForgottenGoodbye(world: World, person: SimulatedPerson): void {
  const { clock, saidGoodbyeAt, silentSince } = world;
  const saidAt = saidGoodbyeAt.get(person.identity);
  if (saidAt === undefined || clock.now() - saidAt > GOODBYE_IN_DOUBT_MS) return;
  silentSince.set(person.identity, saidAt);
  waitForCalls(world, person);
}

/** Somebody leaves: that is heard when it has arrived, or when a link that is down is back, if its page lives so long. */
export function noteLeave({ unheardLeaves, clock, network }: World, { host, participant }: SimulatedPerson): void {
  if (!participant) return;
  unheardLeaves.add(host);
  if (participant.linkState === "open") {
    const { latencyMs, jitterMs } = network.faults;
    // Where the link breaks before, the word goes out again with its resume.
    const heard = () => void (participant.linkState === "open" && unheardLeaves.delete(host));
    clock.at(clock.now() + 2 * (latencyMs + jitterMs), heard);
  }
  participant.on("link", ({ state }) => void (state === "open" && unheardLeaves.delete(host)));
}

/**
 * Who has left, and vanishes while its link is down: whether it was ever heard that it left nobody can tell. It may have
 * wanted in again meanwhile: its next page knows nothing of the place that it left.
 */
export function waitForLastLeave(world: World, { host, wanted, participant }: SimulatedPerson): void {
  const isUnheard = world.unheardLeaves.delete(host);
  const isReached = participant?.linkState === "open" && world.network.reaches(host);
  const isLeaving = !wanted && (!isReached || participant.membership === "leaving");
  if (participant && (isLeaving || isUnheard)) world.await("leaseMs");
}

/** Between two pages somebody no longer wants to be in: nobody comes for the place of the last page. */
export function waitForLastPage(world: World, { identity }: SimulatedPerson): void {
  const silentForMs = world.clock.now() - (world.silentSince.get(identity) ?? Number.NEGATIVE_INFINITY);
  if (silentForMs < world.timers.leaseMs) world.await("leaseMs", -silentForMs);
  else world.await("byeGraceMs");
}

/** A page says goodbye for itself: where it never got in, nobody speaks for the place of a page before it that fell silent. */
export function waitForGoodbye(world: World, person: SimulatedPerson): void {
  if (person.participant?.membership === "joined") world.await("byeGraceMs");
  else waitForLastPage(world, person);
}

/**
 * A join that is given up before its answer may have been granted, and its leave waits for the link. Where the link can
 * no longer be resumed the leave is lost with it, and the place has its lease, as whatever falls silent.
 */
export function waitForGivenUpJoin(world: World, { participant }: SimulatedPerson): void {
  if (participant?.membership !== "joining" || participant.linkState === "open") return;
  const { clock, timers } = world;
  const { resumeWindowMs } = timers;
  clock.at(clock.now() + resumeWindowMs, () => {
    if (!participant.closed && participant.linkState !== "open") world.await("leaseMs", -resumeWindowMs);
  });
}

/**
 * Who said goodbye has the grace of it to greet again: a page that is offline until that is over comes back as somebody
 * new, and so does one whose greeting a socket swallows or holds up, since an attempt to connect has as long as the grace.
 * One that never said a word has its lease.
 */
export function breakOffAfterGrace(world: World, who: string): void {
  const { clock, network, timers } = world;
  const promised = world.promisedPlaces.get(who);
  const leftAt = clock.now();
  clock.at(clock.now() + timers.byeGraceMs, () => {
    const isBack = world.people.find((one) => one.host === who)?.participant?.membership === "joined";
    if (isBack || world.promisedPlaces.get(who) !== promised) return;
    // The attempt that the end of being offline finds under way fails; the next one opens a socket and greets.
    const { latencyMs, jitterMs } = network.faults;
    const greetingMs = 5 * (latencyMs + jitterMs) + timers.reconnectFirstMs + 50;
    const isHindered = network.hinderedUntilMs(who) > leftAt;
    if (isHindered || network.onlineForMs(who) < greetingMs) world.promisedPlaces.delete(who);
  });
}
