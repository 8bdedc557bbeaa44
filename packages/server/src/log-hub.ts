import type { LogFields, Logger } from "@lodeline/base";
import type { Hub, HubEvents } from "@lodeline/hub";
import type { Redact } from "./redact.ts";

/**
 * Writes the hub's lifecycle to the log: one line for each change, `info` for what every operator wants to see, `debug`
 * for what explains it. Identities name people, so they go through `redact`; participants, rooms and sessions do not.
 */
export function logHub(hub: Hub, logger: Logger, redact: Redact): void {
  const who = (identity: string | undefined) => (identity === undefined ? undefined : redact("id", identity));
  const lines: { readonly [Name in keyof HubEvents]: (event: HubEvents[Name]) => void } = {
    link: ({ link, identity, what, reason }) =>
      logger.debug(`link ${what}`, { linkId: link, identity: who(identity), reason }),
    refused: ({ link, identity, error }) =>
      logger.debug("refused", { linkId: link, identity: who(identity), code: error.code, field: error.field }),
    room: ({ room, what }) => logger.info(`room ${what}`, { roomId: room }),
    joined: ({ room, participant, identity, incarnation }) =>
      logger.info("participant joined", {
        roomId: room,
        participantId: participant,
        identity: who(identity),
        incarnation,
      }),
    left: ({ room, participant, reason }) =>
      logger.info("participant left", { roomId: room, participantId: participant, reason }),
    event: ({ room, event }) => logger.debug("room event", { roomId: room, seq: event.seq, kind: event.event.kind }),
    replay: ({ room, subscription, step, attempt, why }) =>
      logger.info("replay", { roomId: room, subscriptionId: subscription, step, attempt, why }),
    session: ({ room, participant, session, state, previous, reason }) =>
      logger.debug("session state", {
        roomId: room,
        participantId: participant,
        sessionId: session,
        state,
        previous,
        reason,
      }),
    step: ({ room, participant, session, plan, step, outcome, durationMs, code }) =>
      logger.debug("session step", {
        roomId: room,
        participantId: participant,
        sessionId: session,
        plan,
        step,
        outcome,
        durationMs,
        code,
      }),
    call: ({ session, from, to, what, reason }) =>
      logger.info(`call ${what}`, { sessionId: session, from: who(from), to: who(to), reason }),
    drained: ({ links }) => logger.info("hub drained", { links } satisfies LogFields),
  };
  for (const name of Object.keys(lines) as (keyof HubEvents)[]) hub.on(name, lines[name] as (event: unknown) => void);
}
