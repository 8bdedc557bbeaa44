/** What only Chromium has; section 6.2 of the Permissions Policy draft. It tells whether a denial has been understood. */
type WithPolicy = Document & { readonly featurePolicy?: { allowsFeature(name: string): boolean } };

let kept: HTMLIFrameElement | undefined;

/**
 * Makes a connection that goes by whatever way the machine has at the moment.
 *
 * Chromium binds a connection's sockets to each address it knows, and learns only after two seconds that one has gone;
 * until then no page can do anything. A document that may use neither camera nor microphone is not told those addresses
 * (RFC 8828 section 5.2, mode 2): its connections have one socket that is bound to none, whose packets leave by the route
 * there is. Another network is then what another port of a NAT is, and the server follows it within a tenth of a second.
 * So the connection is made by a frame that may not, and has the page's own prototype: it is of the page's own kind.
 *
 * Elsewhere, and where a page has put a constructor of its own in place of the browser's, a connection like any other.
 */
export function connectionOnRoute(configuration: RTCConfiguration): RTCPeerConnection {
  const Own = RTCPeerConnection;
  // The browser's own inherits from EventTarget; one that extends or wraps it wants to see what is made.
  const Made = Object.getPrototypeOf(Own) === EventTarget ? routeWindow()?.RTCPeerConnection : undefined;
  if (!Made) return new Own(configuration);
  const connection: RTCPeerConnection = Reflect.construct(Made, [configuration], Own);
  // So are the tracks that the page is handed.
  connection.addEventListener("track", ({ track }) => Object.setPrototypeOf(track, MediaStreamTrack.prototype));
  return connection;
}

/** The frame's window, made when it is first needed and kept for good: a frame that goes closes what was made in it. */
function routeWindow(): typeof globalThis | null | undefined {
  const page = globalThis.document as WithPolicy | undefined;
  if (!page?.featurePolicy) return undefined;
  if (!kept?.isConnected) {
    kept = page.createElement("iframe");
    kept.allow = "camera 'none'; microphone 'none'";
    kept.hidden = true;
    // Beside the body, which belongs to the page and may be made anew.
    page.documentElement.append(kept);
  }
  const inside = kept.contentDocument as WithPolicy | null;
  if (inside?.featurePolicy?.allowsFeature("camera") !== false) return undefined;
  return kept.contentWindow as unknown as typeof globalThis | null;
}
