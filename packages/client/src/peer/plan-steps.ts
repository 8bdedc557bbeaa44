import type { LodelineError } from "@lodeline/base";
import type { PlanStep, StepValue } from "@lodeline/session";
import type { SessionConnection } from "./session-connection.ts";

/** What the steps need beside the connection. */
export interface StepContext {
  /** Opens what the session wants to send, within a bounded wait. Rejects with the first device's LodelineError when nothing could be opened. */
  openDevices(): Promise<void>;
  /** Whether this end offers: it makes sections and channel; the answerer's come with the offer. */
  readonly offerer: boolean;
  /** Receive slots to offer; none outside an sfu session. */
  readonly slots: { readonly audio: number; readonly video: number };
}

/** A step of a plan, performed on what the session holds. Rejects with what the browser threw. */
export type Perform = (connection: SessionConnection, context: StepContext) => Promise<StepValue>;

/**
 * The steps of both plans that the browser performs. The work of a stop step begins before its first `await`: when the
 * page is being left there is no later.
 */
export const RUN: Partial<Record<PlanStep, Perform>> = {
  "create-connection": async (connection) => owned(connection, "connection"),
  "open-devices": async (connection, context) => {
    await context.openDevices();
    return owned(connection, "device");
  },
  "create-source": async (connection) => owned(connection, "source"),
  "create-stream": async (connection) => {
    for (const track of connection.media.stream.getTracks()) connection.localStream.addTrack(track);
    return owned(connection, "stream");
  },
  "add-tracks": async (connection, context) => {
    if (context.offerer) {
      connection.sections.addOwn();
      connection.sections.growSlots("audio", context.slots.audio);
      connection.sections.growSlots("video", context.slots.video);
    }
    await connection.attachAll();
    return owned(connection, "track");
  },
  "open-channel": async (connection, context) => {
    if (context.offerer) connection.openChannel();
    return owned(connection, "channel");
  },
  "enable-tracks": async (connection) => {
    await connection.enableTracks();
    return owned(connection, "track");
  },
  "disable-tracks": async (connection) => {
    connection.tracks.disable();
    return {};
  },
  "stop-source": async (connection) => {
    // That the source has stopped is a step of its own.
    connection.stopSources();
    return owned(connection, "track");
  },
  "wait-source-stopped": async (connection) => {
    await connection.releaseDevices();
    return owned(connection, "source");
  },
  "release-device": async (connection) => owned(connection, "device"),
  "drop-stream": async (connection) => {
    for (const track of connection.localStream.getTracks()) connection.localStream.removeTrack(track);
    return owned(connection, "stream");
  },
  "close-channel": async (connection) => {
    connection.channel?.close();
    return {};
  },
  "close-connection": async (connection) => {
    // Whatever an earlier step failed at is done once more; that failure was told by its own step.
    const released = connection.releaseDevices().catch(() => {});
    for (const track of connection.localStream.getTracks()) connection.localStream.removeTrack(track);
    await connection.close();
    await released;
    return owned(connection, "connection", "channel", "track", "source", "device", "stream");
  },
};

const nothing: Perform = async () => ({});

/** How each start step is taken back. What only waits has nothing to take back. */
export const UNDO: Partial<Record<PlanStep, Perform>> = {
  "create-connection": (connection, context) => stop("close-connection", connection, context),
  "open-devices": async (connection) => {
    await connection.releaseDevices();
    return owned(connection, "device");
  },
  "create-source": async (connection) => {
    await connection.releaseDevices();
    return owned(connection, "source");
  },
  "create-stream": (connection, context) => stop("drop-stream", connection, context),
  "add-tracks": async (connection) => {
    connection.tracks.stop();
    return owned(connection, "track");
  },
  "open-channel": (connection, context) => stop("close-channel", connection, context),
  "enable-tracks": (connection, context) => stop("disable-tracks", connection, context),
};

/** Whether a failed step ends the session: everything but a device does. */
export function isFatal(step: PlanStep, error: LodelineError): boolean {
  return step !== "open-devices" && !error.code.startsWith("device/");
}

function stop(step: PlanStep, connection: SessionConnection, context: StepContext): Promise<StepValue> {
  return (RUN[step] ?? nothing)(connection, context);
}

function owned(connection: SessionConnection, ...kinds: Parameters<SessionConnection["owned"]>): StepValue {
  return { owned: connection.owned(...kinds) };
}
