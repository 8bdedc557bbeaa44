import { sees } from "./judge.ts";
import type { Sample } from "./sample.ts";
import { type Incident, touches } from "./windows.ts";

/** How long media took to be there again after something was over. */
export interface RepairTime {
  readonly kind: string;
  readonly ms: number;
}

/** Words of tiles that expect nothing. */
const NOT_TO_FLOW: ReadonlySet<string> = new Set(["muted by them", "muted by a moderator", "never sent"]);

/** Looked for this long; what is not back by then has its length. */
const LOOK_MS = 20_000;

/**
 * For every incident, the time from its end until each row that it touched has media again: a camera's by the first
 * frame its element presented, to the ms; a microphone's by the first whole second of sound. Rows that were not to flow
 * are left out: those muted or switched off by then, for whatever other reason.
 */
export function repairTimes(samples: readonly Sample[], incidents: readonly Incident[]): RepairTime[] {
  const bySecond = Map.groupBy(samples, (sample) => sample.second);
  return incidents.flatMap((incident) => {
    const ms = incident.flowsAfter && Number.isFinite(incident.endedMs) ? repairOf(bySecond, incident) : undefined;
    return ms === undefined ? [] : [{ kind: incident.kind, ms }];
  });
}

function repairOf(bySecond: ReadonlyMap<number, readonly Sample[]>, incident: Incident): number | undefined {
  const firstMs = new Map<string, number>();
  const first = Math.floor(incident.endedMs / 1000) + 1;
  for (let second = first; second <= first + LOOK_MS / 1000; second++) {
    for (const sample of bySecond.get(second) ?? []) {
      for (const row of sample.rows) {
        const key = `${row.from}:${row.source}>${sample.name}`;
        if (firstMs.has(key) || !touches(incident.rows, { ...row, to: sample.name })) continue;
        if (NOT_TO_FLOW.has(row.tile)) {
          // Just after an unmute the word may still be on its way.
          if (second > first + 1) firstMs.set(key, incident.endedMs);
          continue;
        }
        const atMs = row.source === "camera" ? row.firstShownAtMs : sees(row) ? second * 1000 - 1000 : undefined;
        if (atMs === undefined || (row.source === "camera" && atMs < incident.endedMs)) {
          if (row.source === "camera" && row.framesShown > 1) firstMs.set(key, incident.endedMs);
          continue;
        }
        firstMs.set(key, Math.max(0, atMs - incident.endedMs) + incident.endedMs);
      }
    }
  }
  if (firstMs.size === 0) return undefined;
  return Math.max(...firstMs.values()) - incident.endedMs;
}
