export { assert, unreachable } from "./assert.ts";
export { type Clock, type MonoMs, systemClock, type TimePlatform, type Timer, type WallMs } from "./clock.ts";
export { type AbortSignalLike, Emitter, type Listenable, type ListenOptions } from "./emitter.ts";
export { LodelineError, type LodelineErrorOptions, toLodelineError } from "./error.ts";
export { ERROR_CODES, type ErrorCode, isErrorCode, type Retry } from "./error-codes.ts";
export { createId, createSecret } from "./id.ts";
export { type LogFields, type Logger, silentLogger } from "./logger.ts";
export { type DriveOptions, drive, type Machine, type Running, type Step, type Tick } from "./machine.ts";
export { cryptoRandom, integer, type Random, seededRandom, unit } from "./random.ts";
