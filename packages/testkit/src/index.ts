export { type Chance, chance } from "./chance.ts";
export {
  type ConnectionSurroundings,
  FakeConnection,
  type FakeConnectionHandlers,
  type FakeConnectionState,
  type FakeTrack,
  type Refusal,
} from "./fake-connection.ts";
export { encodeDescription, type FakeDescription, parseDescription } from "./fake-description.ts";
export { type DeviceMood, FakeDevices, type FakeDevicesOptions } from "./fake-devices.ts";
export { MediaPlane, type MediaPlaneOptions } from "./media-plane.ts";
export {
  type AcceptedSocketHandlers,
  CLEAN_NETWORK,
  type Intercept,
  type NetworkFaults,
  SimulatedNetwork,
  type SimulatedNetworkOptions,
} from "./simulated-network.ts";
export { VirtualClock } from "./virtual-clock.ts";
