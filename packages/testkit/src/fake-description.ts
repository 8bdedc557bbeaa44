/**
 * What a fake session description says. It is carried as text in the place of SDP, so that everything that merely
 * passes descriptions on treats it as such.
 */
export interface FakeDescription {
  readonly type: "offer" | "answer";
  /** The connection that made it. */
  readonly connection: string;
  /** Counts the descriptions this connection made, from 1. */
  readonly version: number;
  /** Counts its ICE generations, from 1: raised by an ICE restart. */
  readonly generation: number;
  /** Of an answer: the offer it answers. */
  readonly answers: { readonly connection: string; readonly version: number } | undefined;
}

/** Writes it: one line that begins as SDP does, and the ICE user name fragment as SDP has it. */
export function encodeDescription(description: FakeDescription): string {
  const { type, connection, version, generation, answers } = description;
  const tail = answers ? ` ${answers.connection} ${answers.version}` : "";
  return `v=0 ${type} ${connection} ${version} ${generation}${tail}\r\na=ice-ufrag:${fragment(connection, generation)}\r\n`;
}

/** The `ufrag` of one ICE generation of one connection. */
export function fragment(connection: string, generation: number): string {
  return `${connection}.${generation}`;
}

/** Reads it. @returns undefined for text that is none: an unusable description. */
export function parseDescription(text: string): FakeDescription | undefined {
  const [head, type, connection, version, generation, toConnection, toVersion] = (text.split("\r\n")[0] ?? "").split(
    " ",
  );
  if (head !== "v=0" || (type !== "offer" && type !== "answer") || !connection) return undefined;
  if (type === "answer" && !toConnection) return undefined;
  return {
    type,
    connection,
    version: Number(version),
    generation: Number(generation),
    answers: toConnection === undefined ? undefined : { connection: toConnection, version: Number(toVersion) },
  };
}
