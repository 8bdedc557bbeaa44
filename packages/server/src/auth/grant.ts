import type { Role, Source } from "@lodeline/protocol";

/** What a token is to say, before it is signed. */
export interface TokenGrant {
  /** Who it is: the token's `sub`. */
  readonly identity: string;
  /** The only room it opens; every room when absent. */
  readonly room?: string | undefined;
  /** The name that others read. Default: the identity. */
  readonly name?: string | undefined;
  /** May mute, remove, lock and read rooms over HTTP. Default false. */
  readonly admin?: boolean | undefined;
  /** The most that a moderator may make of it. Default: what it begins as, by `admin` and `canPublish`. */
  readonly maxRole?: Role | undefined;
  /** May publish. Default true. */
  readonly canPublish?: boolean | undefined;
  /** What may be published; everything when absent. */
  readonly sources?: readonly Source[] | undefined;
  /** May call other identities and the server peer. Default true. */
  readonly canCall?: boolean | undefined;
  /** Valid for, in seconds from now. Default 21,600 (6 hours). */
  readonly ttlSeconds?: number | undefined;
}
