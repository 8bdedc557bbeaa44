import { createSecret, type Random } from "@lodeline/base";
import type { IceCredentials, IcePath } from "./ice-types.ts";

/** What a generation knows of a path that authentic checks, or media, came from. */
export interface KnownPath {
  /** Whether it answered a check of ours. */
  answered: boolean;
  /** The credentials of whoever is there; `undefined` until the offer that brings them has come. */
  remote: IceCredentials | undefined;
}

/** One ICE generation: our credentials, theirs, and the path nominated with them. */
export interface IceGeneration {
  readonly local: IceCredentials;
  remote: IceCredentials | undefined;
  path: IcePath | undefined;
  /** The browser's choice, which counts once that path has answered a check of ours. */
  nominated: IcePath | undefined;
  readonly paths: Map<IcePath, KnownPath>;
}

/** At most this many addresses in one generation: a peer that invents source ports cannot make us keep more. */
const PATH_LIMIT = 256;

/** New credentials of our own. RFC 8445 section 5.3: at least 24 bits of chance in the fragment and 128 in the password. */
export function newCredentials(random: Random): IceCredentials {
  // 5 bits each sign.
  return { usernameFragment: createSecret(random, 8), password: createSecret(random, 28) };
}

/** A generation with new credentials of our own. */
export function newGeneration(random: Random): IceGeneration {
  return { local: newCredentials(random), remote: undefined, path: undefined, nominated: undefined, paths: new Map() };
}

/** Whether a generation knows a path, or may still come to know it. */
export function hasRoomFor({ paths }: IceGeneration, path: IcePath): boolean {
  return paths.size < PATH_LIMIT || paths.has(path);
}

/** Notes a path, if it is new, whose other end is who it was on the path in use. */
export function notePath(generation: IceGeneration, path: IcePath): KnownPath {
  const known = generation.paths.get(path);
  if (known) return known;
  const inUse = generation.path && generation.paths.get(generation.path);
  const noted: KnownPath = { answered: false, remote: inUse?.remote ?? generation.remote };
  generation.paths.set(path, noted);
  return noted;
}
