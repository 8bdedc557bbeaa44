import { type Clock, createSecret, type ErrorCode, isErrorCode, LodelineError, type Random } from "@lodeline/base";
import type { FramedSocket } from "./framed-socket.ts";
import { isProof, type LinkEnd, type MediaKey, proofOf, Seal, type Transcript } from "./link-secrets.ts";

/** Raised when the greeting or the frames of the link to a media process change. */
export const MEDIA_LINK_VERSION = 1;

/** How long both ends have to know each other. */
export const GREETING_MS = 3_000;

/** What greets. */
export interface Greeter {
  readonly clock: Clock;
  /** Makes nonces. Must be cryptographic outside tests. */
  readonly random: Random;
}

/** The keys of a link, once both ends have shown that they hold the same. */
export interface Seals {
  readonly outgoing: Seal;
  readonly incoming: Seal;
}

/**
 * Greets a media process: shows that this server holds the key, and sees that the other end does.
 *
 * @throws LodelineError `media/engine-lost` when it does not greet in time or at all, `media/engine-busy` when it works for another
 * server, `protocol/version`, `config/invalid` with field `key` for another key. The connection is ended then.
 */
export function greetMedia(socket: FramedSocket, greeter: Greeter, key: MediaKey): Promise<Seals> {
  return greeting(socket, greeter, async () => {
    const { version, nonce } = await heard(socket);
    if (version !== MEDIA_LINK_VERSION) throw otherVersion(version);
    const own = createSecret(greeter.random);
    const transcript: Transcript = { version, media: text(nonce), control: own };
    say(socket, { version, key: key.id, nonce: own, proof: proofOf(key, "control", transcript) });
    const { proof, refused, detail } = await heard(socket);
    if (refused !== undefined) {
      const said = text(refused);
      const code: ErrorCode = isErrorCode(said) ? said : "media/engine-lost";
      throw new LodelineError(code, { detail: text(detail), field: FIELDS[code] });
    }
    if (!isProof(text(proof), key, "media", transcript)) throw refusedKey();
    return seals(key, "control", transcript);
  });
}

/**
 * Greets whoever connects to a media process.
 *
 * @param admit - Asked once the other end is known; what it throws is told there.
 * @throws LodelineError as {@link greetMedia}, told to the other end.
 */
export function greetServer(
  socket: FramedSocket,
  greeter: Greeter,
  keys: readonly MediaKey[],
  admit: () => void | Promise<void>,
): Promise<Seals> {
  return greeting(socket, greeter, async () => {
    const own = createSecret(greeter.random);
    say(socket, { version: MEDIA_LINK_VERSION, nonce: own });
    try {
      const { version, key: id, nonce, proof } = await heard(socket);
      if (version !== MEDIA_LINK_VERSION) throw otherVersion(version);
      const key = keys.find((one) => one.id === id);
      const transcript: Transcript = { version, media: own, control: text(nonce) };
      if (!key || !isProof(text(proof), key, "control", transcript)) throw refusedKey();
      await admit();
      say(socket, { proof: proofOf(key, "media", transcript) });
      return seals(key, "media", transcript);
    } catch (thrown) {
      if (thrown instanceof LodelineError) say(socket, { refused: thrown.code, detail: thrown.detail });
      throw thrown;
    }
  });
}

const FIELDS: Partial<Record<ErrorCode, string>> = { "config/invalid": "key", "protocol/version": "version" };

async function greeting(socket: FramedSocket, { clock }: Greeter, work: () => Promise<Seals>): Promise<Seals> {
  const late = clock.at(clock.now() + GREETING_MS, () => socket.end(`it did not greet within ${GREETING_MS} ms`));
  try {
    return await work();
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    socket.end(why);
    if (thrown instanceof LodelineError) throw thrown;
    throw new LodelineError("media/engine-lost", { detail: `The other end of the media link is not there: ${why}.` });
  } finally {
    late.cancel();
  }
}

function say(socket: FramedSocket, message: Readonly<Record<string, string | number>>): void {
  socket.send(Buffer.from(JSON.stringify(message)));
}

async function heard(socket: FramedSocket): Promise<Readonly<Record<string, unknown>>> {
  const payload = await socket.next();
  try {
    const message: unknown = JSON.parse(payload.toString("utf8"));
    if (typeof message === "object" && message !== null) return message as Readonly<Record<string, unknown>>;
  } catch {
    // Told below: what came is not quoted.
  }
  throw new LodelineError("protocol/malformed", { detail: "The other end of the media link speaks something else." });
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function seals(key: MediaKey, end: LinkEnd, transcript: Transcript): Seals {
  const other = end === "control" ? "media" : "control";
  return { outgoing: new Seal(key, end, transcript), incoming: new Seal(key, other, transcript) };
}

function refusedKey(): LodelineError {
  const detail = "The server and the media process do not hold the same key.";
  return new LodelineError("config/invalid", { field: "key", detail });
}

function otherVersion(version: unknown): LodelineError {
  const detail = `The media link is spoken in version ${MEDIA_LINK_VERSION} here and ${String(version).slice(0, 20)} there.`;
  return new LodelineError("protocol/version", { field: "version", detail });
}
