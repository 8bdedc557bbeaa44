import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { freezeTab } from "../state/developer.ts";
import { type ActiveFault, beginFault, endFault, faults, readFaults } from "../state/faults.ts";
import { Icon } from "./icon.tsx";

/** How often the counters of the faults at work are read. */
const READ_MS = 1000;

/** What can be broken on purpose, what is broken now, and the keys for both. */
export function FaultList(): JSX.Element {
  const [spec, setSpec] = useState("");
  const [refused, setRefused] = useState<string>();
  useEffect(() => {
    void readFaults();
    const timer = setInterval(() => void readFaults(), READ_MS);
    return () => clearInterval(timer);
  }, []);
  const begin = async (event: Event) => {
    event.preventDefault();
    setRefused(await beginFault(spec));
  };
  const offered = faults.value;
  return (
    <>
      {offered ? (
        <>
          <form class="card-form inline" onSubmit={(event) => void begin(event)}>
            <label class="field slim">
              Fault
              <input
                value={spec}
                onInput={(event) => setSpec(event.currentTarget.value)}
                list="fault-examples"
                placeholder={offered.catalogue[0]?.example}
                autocomplete="off"
                autocapitalize="none"
                spellcheck={false}
                name="fault"
              />
            </label>
            <button type="submit" class="button small" disabled={spec.trim() === ""}>
              Begin
            </button>
            <datalist id="fault-examples">
              {offered.catalogue.map((entry) => (
                <option key={entry.name} value={entry.example} />
              ))}
            </datalist>
          </form>
          {refused && (
            <div class="trouble" role="alert">
              {refused}
            </div>
          )}
          {offered.active.map((fault) => (
            <Active key={fault.id} fault={fault} />
          ))}
          <details>
            <summary>All faults</summary>
            <ul class="catalogue">
              {offered.catalogue.map((entry) => (
                <li key={entry.name}>
                  <button type="button" class="button small quiet" onClick={() => setSpec(entry.example)}>
                    <code>{entry.example}</code>
                  </button>
                  <p>{entry.what}</p>
                  <dl>
                    {entry.parameters.map((one) => (
                      <div key={one.name}>
                        <dt>{one.name}</dt>
                        <dd>{one.what}</dd>
                      </div>
                    ))}
                  </dl>
                </li>
              ))}
            </ul>
          </details>
        </>
      ) : (
        <p class="soft">This server has no faults switched on.</p>
      )}
      <div class="row">
        {[2, 5, 20].map((seconds) => (
          <button type="button" class="button small" key={seconds} onClick={() => freezeTab(seconds * 1000)}>
            Freeze this tab {seconds} s
          </button>
        ))}
      </div>
    </>
  );
}

function Active({ fault }: { fault: ActiveFault }): JSX.Element {
  const counters = Object.entries(fault.counters).map(([name, count]) => `${name} ${count}`);
  const begins = new Date(fault.since);
  return (
    <div class="active-fault" data-fault={fault.spec}>
      <div>
        <code>{fault.spec}</code>
        <span class="soft">
          since {begins.toLocaleTimeString()}
          {counters.length > 0 && `: ${counters.join(", ")}`}
        </span>
      </div>
      <button
        type="button"
        class="button small round"
        aria-label={`End ${fault.spec}`}
        onClick={() => void endFault(fault.id)}
      >
        <Icon name="close" />
      </button>
    </div>
  );
}
