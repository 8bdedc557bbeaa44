/**
 * Has every peer connection of a page told as soon as it is made. Not by a constructor of its own: where a page has one the
 * SDK makes its connections with that, and not as it does otherwise. Whoever makes a connection listens to it first.
 */
export function bookConnections(made: (connection: RTCPeerConnection) => void): void {
  const known = new WeakSet<RTCPeerConnection>();
  const { prototype } = RTCPeerConnection;
  const listener = Object.getOwnPropertyDescriptor(prototype, "onconnectionstatechange");
  if (!listener?.set) throw new Error("connections cannot be listened to");
  const { set } = listener;
  Object.defineProperty(prototype, "onconnectionstatechange", {
    ...listener,
    set(this: RTCPeerConnection, handler: unknown) {
      if (!known.has(this)) {
        known.add(this);
        made(this);
      }
      set.call(this, handler);
    },
  });
}
