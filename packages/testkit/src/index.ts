export { disagreements, leftovers } from "./agreement.ts";
export { type Chance, chance } from "./chance.ts";
export {
  type ConnectionSurroundings,
  FakeConnection,
  type FakeConnectionHandlers,
  type FakeConnectionState,
  type FakeTrack,
  type Refusal,
} from "./fake-connection.ts";
export { encodeDescription, type FakeDescription, fragment, parseDescription } from "./fake-description.ts";
export { type DeviceMood, FakeDevices, type FakeDevicesOptions } from "./fake-devices.ts";
export {
  FakeMediaEngine,
  type FakeMediaEngineOptions,
  FakeServerPeer,
  SERVER_ENDPOINT,
} from "./fake-media-engine.ts";
export { deviceKinds, FakePeer, type FakePeerOptions, ownSections } from "./fake-peer.ts";
export { MediaPlane, type MediaPlaneOptions } from "./media-plane.ts";
export { MUTATIONS, type Mutation, type MutationSpec } from "./mutations.ts";
export { type Outcome, publicationOf, QUIET_LIMIT_MS, runSchedule, type ScheduleOptions } from "./run-schedule.ts";
export { type Action, PEOPLE, type Schedule, scheduleOf } from "./schedule.ts";
export {
  type AcceptedSocketHandlers,
  CLEAN_NETWORK,
  type Intercept,
  type NetworkFaults,
  SimulatedNetwork,
  type SimulatedNetworkOptions,
} from "./simulated-network.ts";
export { type Intent, SimulatedPerson, type SimulatedPersonOptions, type WantedRoom } from "./simulated-person.ts";
export { type MessageFilter, SimulatedServer, type SimulatedServerOptions } from "./simulated-server.ts";
export { summarize } from "./trace.ts";
export { VirtualClock } from "./virtual-clock.ts";
export { type PersonOptions, sessionUnder, World, type WorldOptions } from "./world.ts";
