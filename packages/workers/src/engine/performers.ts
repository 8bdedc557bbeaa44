import type { EngineAnswers, EngineRequest, RequestKind } from "./messages.ts";

/** The request of a name. */
export type Request<Kind extends RequestKind> = Extract<EngineRequest, { kind: Kind }>;

/** A performer for each request: the message switch as a table. */
export type Performers<Kinds extends RequestKind = RequestKind> = {
  readonly [Kind in Kinds]: (request: Request<Kind>) => EngineAnswers[Kind] | Promise<EngineAnswers[Kind]>;
};
