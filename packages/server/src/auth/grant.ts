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
  /** May publish. Default true. */
  readonly canPublish?: boolean | undefined;
  /** May receive. Default true. */
  readonly canSubscribe?: boolean | undefined;
  /** What may be published; everything when absent. */
  readonly sources?: readonly Source[] | undefined;
  /** Valid for, in seconds from now. Default 21,600 (6 hours). */
  readonly ttlSeconds?: number | undefined;
}

/** What a verified token says: the only source of identity in Lodeline. */
export interface Grant {
  readonly identity: string;
  readonly name: string;
  /** The only room it opens; every room when `undefined`. */
  readonly room: string | undefined;
  /** Whether it lets its bearer into a room at all. */
  readonly join: boolean;
  /** `roomAdmin` makes a moderator, `canPublish: false` a viewer, everything else a speaker. */
  readonly role: Role;
  readonly canSubscribe: boolean;
  /** What may be published. */
  readonly sources: readonly Source[];
}
