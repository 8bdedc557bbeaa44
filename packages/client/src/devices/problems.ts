import { type ErrorCode, LodelineError } from "@lodeline/base";
import type { Source } from "@lodeline/protocol";
import type { DeviceProblem } from "../api/media-api.ts";

/** The five ways in which a device fails. */
export type DeviceCode = DeviceProblem["code"];

const NAMES: Record<Source, string> = {
  microphone: "microphone",
  camera: "camera",
  screen: "screen",
  "screen-audio": "screen's sound",
};

/**
 * What `getUserMedia` and `getDisplayMedia` reject with (W3C Media Capture and Streams section 10.2, Screen Capture
 * section 5.1), by DOMException name. Firefox says `NotReadableError` for a device in use, older Chromium
 * `TrackStartError`; a dialog that the person closed is `NotAllowedError` in all of them.
 */
const CODE_BY_NAME: Record<string, DeviceCode> = {
  NotAllowedError: "device/denied",
  SecurityError: "device/denied",
  PermissionDeniedError: "device/denied",
  NotFoundError: "device/missing",
  DevicesNotFoundError: "device/missing",
  OverconstrainedError: "device/missing",
  NotReadableError: "device/busy",
  TrackStartError: "device/busy",
  AbortError: "device/busy",
  InvalidStateError: "device/unsupported",
  NotSupportedError: "device/unsupported",
  TypeError: "device/unsupported",
};

const ADVICE: Record<DeviceCode, (source: Source) => { title: string; advice: string }> = {
  "device/denied": (source) =>
    source === "screen" || source === "screen-audio"
      ? { title: "Sharing was cancelled.", advice: "Share again and choose a screen, window or tab." }
      : {
          title: `The ${NAMES[source]} is blocked.`,
          advice: `Allow the ${NAMES[source]} for this page in the address bar or in the system's privacy settings, then try again.`,
        },
  "device/missing": (source) => ({
    title: `No ${NAMES[source]} was found.`,
    advice: `Connect a ${NAMES[source]} or choose another one, then try again.`,
  }),
  "device/busy": (source) => ({
    title: `The ${NAMES[source]} cannot be started.`,
    advice: `Close other programs or tabs that use the ${NAMES[source]}, then try again.`,
  }),
  "device/ended": (source) => ({
    title: `The ${NAMES[source]} stopped.`,
    advice: `Check that the ${NAMES[source]} is plugged in and still allowed, then turn it on again.`,
  }),
  "device/unsupported": (source) => ({
    title: `This browser cannot capture the ${NAMES[source]} here.`,
    advice: "Open the page over https or on localhost, in a current browser.",
  }),
};

/**
 * The one place where what a browser throws about a device becomes one of the five `device/*` codes.
 *
 * @param thrown - A DOMException, or anything else; what cannot be recognised counts as busy, which is worth a retry.
 */
export function deviceError(source: Source, thrown: unknown): LodelineError {
  if (thrown instanceof LodelineError && isDeviceCode(thrown.code)) return thrown;
  const code = CODE_BY_NAME[nameOf(thrown) ?? ""] ?? "device/busy";
  return new LodelineError(code, { detail: ADVICE[code](source).title, field: source, cause: thrown });
}

/** A device error without a cause in the DOM: unplugged, or no such interface in this browser. */
export function deviceFailure(source: Source, code: DeviceCode): LodelineError {
  return new LodelineError(code, { detail: ADVICE[code](source).title, field: source });
}

/** What a device error means and what to do about it, in sentences for a person. */
export function explainDevice(source: Source, error: unknown): DeviceProblem {
  const failure = deviceError(source, error);
  const code = failure.code as DeviceCode;
  return { source, code, ...ADVICE[code](source), cause: nameOf(failure.cause) };
}

function isDeviceCode(code: ErrorCode): code is DeviceCode {
  return code.startsWith("device/");
}

function nameOf(thrown: unknown): string | undefined {
  if (typeof thrown !== "object" || thrown === null || !("name" in thrown)) return undefined;
  return typeof thrown.name === "string" ? thrown.name : undefined;
}
