import type { Call, LedgerRow, Room } from "@lodeline/client";
import type { ComponentChildren, JSX } from "preact";
import { usePulse, useSeconds } from "../state/pulse.ts";
import { Icon } from "./icon.tsx";

const FACTS = ["intended", "captured", "sent", "forwarded", "received"] as const;
const CALL_FACTS = ["intended", "sent", "received"] as const;

const UNREADABLE = { "missing-key": "no key", failed: "wrong key" } as const;

/** Every track that concerns this participant, with its five facts and how long each has held. */
export function LedgerTable({ room }: { room: Room }): JSX.Element {
  usePulse();
  useSeconds();
  const rows = room.ledger();
  if (rows.length === 0) return <p class="soft">Nothing is sent or received.</p>;
  return (
    <FactTable facts={FACTS}>
      {rows.map((row) => (
        <tr key={row.subscription} data-standing={row.standing}>
          <th scope="row">
            {nameOf(room, row.from)} → {nameOf(room, row.to)}
            <span class="soft"> {row.source}</span>
            {row.encryption && (
              <span class="tile-lock" title="Encrypted end to end: forwarded, not readable">
                <Icon name="lock" />
                <span class="visually-hidden">encrypted, forwarded and not readable</span>
              </span>
            )}
            <Choice row={row} />
            {row.standing !== "received" && row.held === undefined && (
              <span class="comes-to">
                {row.unreadable ? UNREADABLE[row.unreadable] : row.standing}
                {row.replay && `: ${row.replay.step.replaceAll("-", " ")}`}
              </span>
            )}
          </th>
          {FACTS.map((fact) => (
            <Fact
              key={fact}
              name={fact === "forwarded" && row.encryption ? "forwarded, not readable" : fact}
              fact={row.facts[fact]}
            />
          ))}
        </tr>
      ))}
    </FactTable>
  );
}

/** What the server chose to forward of it, and why. */
function Choice({ row }: { row: LedgerRow }): JSX.Element | null {
  if (row.held === "speaking" || row.held === "silent") {
    return <span class="why">held back: {row.held}, as many others spoke last</span>;
  }
  if (row.layer === undefined) return null;
  const { rid, waiting, why } = row.layer;
  const layer = rid === undefined ? "no layer" : rid === "" ? "one layer" : `layer ${rid}`;
  return (
    <span class="why" data-reason={row.layer.reason} data-waiting={waiting}>
      {layer}: {why}
    </span>
  );
}

/** The two directions of a call: meant, sent and received, by each end's own word. */
export function CallLedger({ call }: { call: Call }): JSX.Element {
  usePulse();
  const rows = call.ledger();
  if (rows.length === 0) return <p class="soft">Nothing is sent or received.</p>;
  return (
    <FactTable facts={CALL_FACTS}>
      {rows.map((row) => (
        <tr key={`${row.direction}:${row.source}`} data-standing={row.standing}>
          <th scope="row">
            {row.direction === "outgoing" ? "you →" : "→ you"} <span class="soft">{row.source}</span>
          </th>
          <td class={`fact ${row.intent === "live" ? "yes" : "no"}`}>{row.intent ?? "not said"}</td>
          <td class={`fact ${row.sent ? "yes" : "no"}`}>{row.sent ? "yes" : "no"}</td>
          <td class={`fact ${row.received ? "yes" : "no"}`}>{row.received ? "yes" : "no"}</td>
        </tr>
      ))}
    </FactTable>
  );
}

/** A row for each track, a column for each fact. */
function FactTable(props: { facts: readonly string[]; children: ComponentChildren }): JSX.Element {
  return (
    <div class="scroll">
      <table class="ledger">
        <thead>
          <tr>
            <th scope="col">Track</th>
            {props.facts.map((fact) => (
              <th scope="col" key={fact}>
                {fact}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
    </div>
  );
}

function Fact({ name, fact }: { name: string; fact: LedgerRow["facts"]["intended"] }): JSX.Element {
  const seconds = Math.max(0, Math.round((Date.now() - fact.at) / 1000));
  const held = seconds < 100 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
  return (
    <td class={`fact ${fact.value ? "yes" : "no"}`} title={`${name}: ${fact.value ? "yes" : "no"}, for ${held}`}>
      <span class="visually-hidden">{fact.value ? "yes" : "no"}, </span>
      {held}
    </td>
  );
}

function nameOf(room: Room, id: string): string {
  // The first name is enough in a narrow table.
  return id === room.self.id ? "you" : room.participants.get(id)?.name.split(" ")[0] || "someone";
}
