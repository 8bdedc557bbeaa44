/** A frame in the few words that a trace has room for: kind, numbers, the message's type and what tells it apart. */
export function summarize(text: string): string {
  const frame = JSON.parse(text) as Record<string, unknown>;
  if (frame.kind !== "data") return pick(frame, ["kind", "resumed", "received", "epoch", "ack", "code", "reason"]);
  const message = frame.message as Record<string, unknown>;
  return `#${frame.seq} ack ${frame.ack} ${describe(message)}`;
}

function describe(message: Record<string, unknown>): string {
  const { type } = message;
  if (type === "signal") {
    const { session, epoch, seq, body } = message.signal as Record<string, unknown>;
    const { kind, reason, why } = body as Record<string, unknown>;
    const whom = message.to ?? message.from;
    return `signal ${whom} ${session}/${epoch}/${seq} ${kind}${reason ? ` ${reason}` : ""}${why ? ` ${why}` : ""}`;
  }
  if (type === "room-event") {
    const events = message.events as { seq: number; event: Record<string, unknown> }[];
    return `room-event ${events.map(({ seq, event }) => `${seq} ${event.kind} ${idOf(event.participant)}`).join(", ")}`;
  }
  if (type === "ledger") {
    const rows = message.rows as { subscription: string; standing: string; replay: { step: string } | null }[];
    const told = rows.map((row) => `${row.subscription}=${row.standing}${row.replay ? `/${row.replay.step}` : ""}`);
    return `ledger ${told.join(" ")}`;
  }
  if (type === "receipt") return `receipt ${JSON.stringify({ ...message, type: undefined }).slice(0, 160)}`;
  if (type === "slots") return `slots ${JSON.stringify(message.table)}`;
  return pick(message, [
    "type",
    "id",
    "participant",
    "incarnation",
    "seq",
    "code",
    "reason",
    "why",
    "step",
    "subscription",
    "revision",
  ]);
}

function pick(from: Record<string, unknown>, keys: readonly string[]): string {
  return keys
    .filter((key) => from[key] !== undefined)
    .map((key) => (key === "kind" || key === "type" ? String(from[key]) : `${key}=${String(from[key])}`))
    .join(" ");
}

function idOf(participant: unknown): string {
  if (typeof participant === "string") return participant;
  return typeof participant === "object" && participant !== null ? String((participant as { id?: unknown }).id) : "";
}

/** Any value in a line of the trace. */
export function brief(value: unknown): string {
  const short = JSON.stringify(value, (key, inner) => (key === "room" && typeof inner === "object" ? "…" : inner));
  return short.slice(0, 220);
}
