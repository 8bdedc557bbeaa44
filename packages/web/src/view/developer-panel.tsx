import type { ActivePath, Call, Room } from "@lodeline/client";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { reach } from "../state/own-client.ts";
import { usePulse } from "../state/pulse.ts";
import { FaultList } from "./fault-list.tsx";
import { CallLedger, LedgerTable } from "./ledger-table.tsx";
import { Steps } from "./steps.tsx";

const PATH_MS = 1000;

/** What goes on underneath: the connection, the ledger, the steps of every session, and faults to try it all with. */
export function DeveloperPanel(props: { room?: Room; call?: Call }): JSX.Element {
  usePulse();
  const { room, call } = props;
  return (
    <div class="developer">
      <Part title="Connection">
        <Connection room={room} call={call} />
      </Part>
      {room && (
        <Part title="Ledger">
          <LedgerTable room={room} />
        </Part>
      )}
      {call && (
        <Part title="Ledger">
          <CallLedger call={call} />
        </Part>
      )}
      <Part title="Steps">
        <Steps steps={[...(room?.steps ?? []), ...(call?.steps ?? [])]} />
      </Part>
      <Part title="Faults">
        <FaultList />
      </Part>
    </div>
  );
}

function Part({ title, children }: { title: string; children: ComponentChildren }): JSX.Element {
  return (
    <details open class="part">
      <summary>
        <h3>{title}</h3>
      </summary>
      <div class="inside">{children}</div>
    </details>
  );
}

function Connection(props: { room: Room | undefined; call: Call | undefined }): JSX.Element {
  usePulse();
  const { room, call } = props;
  const path = usePath(room, call);
  const facts: readonly (readonly [string, string | undefined])[] = [
    ["Link", room?.connection.link ?? reach.value.link],
    ["Media", room ? room.connection.media : call?.interrupted ? "interrupted" : call?.state],
    ["Topology", room?.topology],
    ["Participant", room?.self.id ?? call?.identity],
    ["Path", path && `${path.type}, ${path.protocol}`],
    ["Round trip", path?.rttMs === undefined ? undefined : `${Math.round(path.rttMs)} ms`],
    ["Sent", path && bytes(path.bytesSent)],
    ["Received", path && bytes(path.bytesReceived)],
  ];
  return (
    <dl class="connection-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value ?? "not known"}</dd>
        </div>
      ))}
    </dl>
  );
}

function usePath(room: Room | undefined, call: Call | undefined): ActivePath | undefined {
  const [path, setPath] = useState<ActivePath>();
  useEffect(() => {
    let over = false;
    const read = async () => {
      const found = await (call ?? room)?.activePath().catch(() => undefined);
      if (!over) setPath(found);
    };
    void read();
    const timer = setInterval(() => void read(), PATH_MS);
    return () => {
      over = true;
      clearInterval(timer);
    };
  }, [room, call]);
  return path;
}

function bytes(count: number): string {
  if (count < 10_000) return `${count} B`;
  return count < 10_000_000 ? `${Math.round(count / 1000)} kB` : `${(count / 1_000_000).toFixed(1)} MB`;
}
