import type { ErrorCode } from "@lodeline/base";
import * as z from "zod/mini";
import { type ClientFrame, clientFrame, type ServerFrame, serverFrame } from "./frames.ts";
import { LIMITS } from "./limits.ts";
import { type Parsed, readJson, refuse } from "./parsed.ts";

/** Reads a frame that a client sent. Never throws. */
export function parseClientFrame(text: string): Parsed<ClientFrame> {
  return parse(clientFrame, text, LIMITS.frameBytes);
}

/** Reads a frame that a server sent, by the letter of the schema. Never throws. */
export function parseServerFrame(text: string): Parsed<ServerFrame> {
  return parse(serverFrame, text, LIMITS.serverFrameLength);
}

function parse<F>(schema: z.ZodMiniType<F>, text: string, limit: number): Parsed<F> {
  const json = readJson(text, limit);
  if (!json.ok) return json;
  const result = z.safeParse(schema, json.frame);
  if (result.success) return { ok: true, frame: result.data };
  const issue = result.error.issues[0];
  return refuse(codeOf(issue), pathOf(issue), json.frame, issue?.message);
}

type Issue = z.core.$ZodIssue;

function codeOf(issue: Issue | undefined): ErrorCode {
  if (issue?.code === "too_big") return "protocol/too-large";
  if (issue?.code === "invalid_union" && issue.path.at(-1) !== undefined) return "protocol/unknown-type";
  return "protocol/malformed";
}

function pathOf(issue: Issue | undefined): string {
  if (!issue) return "frame";
  const path = issue.code === "unrecognized_keys" ? [...issue.path, issue.keys[0] ?? ""] : issue.path;
  return path.map(String).join(".") || "frame";
}
