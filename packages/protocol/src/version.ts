/** The version of the protocol this package describes. A change that an older peer cannot read raises it. */
export const PROTOCOL_VERSION = 1;

/** The WebSocket subprotocol that carries it. */
export const SUBPROTOCOL = "lodeline.v1";

/** The path of the WebSocket on every Lodeline server. */
export const LINK_PATH = "/v1/link";

/** The identity of the peer that lives on the server and answers calls. No token may carry it. */
export const SERVER_PEER_IDENTITY = "lodeline-server";
