export { disagreements, leftovers } from "./agreement.ts";
export { type Chance, chance } from "./chance.ts";
export { type DeadlineName, deadlineMs } from "./deadlines.ts";
export { PEOPLE, scheduleOf } from "./draw-schedule.ts";
export { DurableStore, type DurableStoreOptions } from "./durable-store.ts";
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
export { FakeMediaEngine, type FakeMediaEngineOptions, SERVER_ENDPOINT } from "./fake-media-engine.ts";
export { deviceKinds, FakePeer, ownSections } from "./fake-peer.ts";
export type { FakePeerOptions } from "./fake-peer-options.ts";
export type { SessionCapture } from "./fake-plan-steps.ts";
export { FakeServerPeer } from "./fake-server-peer.ts";
export { MediaPlane, type MediaPlaneOptions } from "./media-plane.ts";
export { MUTATIONS, type Mutation, type MutationSpec } from "./mutations.ts";
export { performAction } from "./perform-action.ts";
export { PersonClock } from "./person-clock.ts";
export {
  drawSchedule,
  type Outcome,
  publicationOf,
  QUIET_LIMIT_MS,
  runSchedule,
  type ScheduleOptions,
} from "./run-schedule.ts";
export type { Action, Schedule } from "./schedule.ts";
export { type LinkConditions, ShapedLink } from "./shaped-link.ts";
export {
  type AcceptedSocketHandlers,
  CLEAN_NETWORK,
  type Intercept,
  type NetworkFaults,
  SimulatedNetwork,
  type SimulatedNetworkOptions,
} from "./simulated-network.ts";
export { SimulatedPerson } from "./simulated-person.ts";
export type { Intent, SimulatedPersonOptions, WantedRoom } from "./simulated-person-options.ts";
export {
  type MessageFate,
  type MessageFilter,
  SimulatedServer,
  type SimulatedServerOptions,
} from "./simulated-server.ts";
export { summarize } from "./trace.ts";
export { VirtualClock } from "./virtual-clock.ts";
export { sessionUnder, World } from "./world.ts";
export type { PersonOptions, WorldOptions } from "./world-options.ts";
