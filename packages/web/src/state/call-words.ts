import type { Call, CallRow, Source } from "@lodeline/client";

/** What a call's tile says of one source of the other side. */
export type CallWords = "live" | "connecting" | "missing: asking again" | "muted by them" | "off";

/**
 * The truth of one source of the other side, in words: what they mean to send, by their own word, and what comes of it
 * here. Before they have said anything, what the call is for is expected.
 */
export function callWords(call: Call, source: Source): CallWords {
  const incoming = call.ledger().filter((row) => row.direction === "incoming");
  const row = incoming.find((one) => one.source === source);
  if (row) return wordsOfRow(row);
  const asked = source === "microphone" ? call.wants.audio : source === "camera" && call.wants.video;
  // Once they have named anything, what they have not named is not sent.
  const said = incoming.some((one) => one.intent !== undefined);
  return asked && !said ? "connecting" : "off";
}

function wordsOfRow({ intent, standing }: CallRow): CallWords {
  if (intent === "muted") return "muted by them";
  if (standing === "received") return "live";
  return standing === "missing" ? "missing: asking again" : "connecting";
}
