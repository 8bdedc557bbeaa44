import type { PlanStep, TeardownStep } from "@lodeline/client";
import type { JSX } from "preact";

type Step = Pick<PlanStep, "session" | "step" | "outcome" | "durationMs"> & {
  readonly plan?: PlanStep["plan"];
  readonly error?: PlanStep["error"];
};

const PLANS: Readonly<Record<PlanStep["plan"], string>> = {
  start: "Start",
  stop: "Stop",
  undo: "Taken back",
};
const OF: Readonly<Record<PlanStep["plan"], number | undefined>> = { start: 12, stop: 7, undo: undefined };

/** The steps of each session's plans, in their order, drawn along the time that they took. */
export function Steps({ steps }: { steps: readonly (PlanStep | TeardownStep)[] }): JSX.Element {
  const groups = grouped(steps);
  if (groups.length === 0) return <p class="soft">No step has been done yet.</p>;
  return (
    <>
      {groups.map(({ key, session, plan, rows, totalMs }) => (
        <section class="plan" key={key} data-plan={plan}>
          <h4>
            {PLANS[plan]} <code title={session}>{shortId(session)}</code>
            <span class="soft">
              {rows.length}
              {OF[plan] ? ` of ${OF[plan]}` : ""} steps, {ms(totalMs)}
            </span>
          </h4>
          <ol>
            {rows.map(({ step, fromMs }, index) => (
              <li key={`${index}:${step.step}`} class={step.outcome} data-step={step.step} data-outcome={step.outcome}>
                <span class="name">{step.step.replaceAll("-", " ")}</span>
                <span class="time">
                  <i style={bar(fromMs, step.durationMs, totalMs)} />
                </span>
                <span class="took" title={step.error?.detail}>
                  {step.outcome === "done" ? ms(step.durationMs) : step.outcome}
                </span>
              </li>
            ))}
          </ol>
        </section>
      ))}
    </>
  );
}

interface Group {
  readonly key: string;
  readonly session: string;
  readonly plan: PlanStep["plan"];
  readonly rows: { readonly step: Step; readonly fromMs: number }[];
  totalMs: number;
}

/** One group for each run of a plan: the steps come one after the other, so that each begins where the last ended. */
function grouped(steps: readonly Step[]): readonly Group[] {
  const groups: Group[] = [];
  for (const step of steps) {
    const plan = step.plan ?? "stop";
    let group = groups.findLast((one) => one.session === step.session && one.plan === plan);
    if (!group) {
      group = { key: `${groups.length}`, session: step.session, plan, rows: [], totalMs: 0 };
      groups.push(group);
    }
    group.rows.push({ step, fromMs: group.totalMs });
    group.totalMs += step.durationMs;
  }
  return groups;
}

function bar(fromMs: number, durationMs: number, totalMs: number): Record<string, string> {
  const share = (part: number) => `${totalMs > 0 ? (100 * part) / totalMs : 0}%`;
  return { left: share(fromMs), width: `max(2px, ${share(durationMs)})` };
}

function ms(durationMs: number): string {
  return durationMs < 10 ? `${durationMs.toFixed(1)} ms` : `${Math.round(durationMs)} ms`;
}

/** Ids are long and chance begins them; their end tells them apart as well. */
export function shortId(id: string): string {
  return id.length > 10 ? `…${id.slice(-6)}` : id;
}
