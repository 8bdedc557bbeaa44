/**
 * How large, how many, how often: what a server accepts of a client and a client of a server. Every limit has an error
 * code that names it when it is passed.
 */
export const LIMITS = {
  /** One WebSocket frame of a client. `protocol/too-large`, close 1009. */
  frameBytes: 128 * 1024,
  /**
   * One frame of a server, in UTF-16 units. Larger than a client's: the whole ledger of a member of a full room has some
   * 400 rows of 700 signs each, and `joined` carries the room and an answer.
   */
  serverFrameLength: 768 * 1024,
  /** One session description, in UTF-16 units. A Chromium offer with 2 x 9 slots and every codec has 60 kB. */
  sdpLength: 96 * 1024,
  /** One candidate line. */
  candidateLength: 2048,
  /** Candidates of one side in one epoch of a session. `candidate/too-many`. */
  candidatesPerNegotiation: 200,
  /** Messages a client may send: refilled at this rate ... `protocol/rate-limited`. */
  messagesPerSecond: 50,
  /** ... up to this many at once. */
  messageBurst: 200,
  /** Participants of a room, unless its settings say less. `room/full`. */
  participantsPerRoom: 100,
  /** Identifiers: rooms, identities, participants, sessions, commands. */
  idLength: 128,
  /** Names that people read. */
  nameLength: 80,
  /** A token in a hello. */
  tokenLength: 8192,
  /** Free text that explains: reasons and details. */
  textLength: 512,
  /** Sections of one description. */
  sections: 128,
  /** Rows in a receipt, a view or a ledger message. */
  rows: 1024,
  /** Frames a link keeps until they are acknowledged. Past it the link cannot resume. */
  linkBufferFrames: 1024,
  /** Characters of the frames a link keeps. */
  linkBufferLength: 1024 * 1024,
  /** Bytes a WebSocket may owe its reader before it counts as a slow consumer. Close 1013. */
  socketBacklogBytes: 1024 * 1024,
} as const;
