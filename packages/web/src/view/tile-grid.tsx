import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

/** The tiles, in as many columns as make them largest; beside a shared screen they stand in a column of their own. */
export function TileGrid(props: { count: number; featuring: boolean; children: ComponentChildren }): JSX.Element {
  const list = useRef<HTMLUListElement>(null);
  const [columns, setColumns] = useState(1);
  useEffect(() => {
    const element = list.current;
    if (!element) return undefined;
    const measure = () => setColumns(bestColumns(props.count, element.clientWidth, element.clientHeight));
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    measure();
    return () => watch.disconnect();
  }, [props.count]);
  return (
    <ul
      ref={list}
      class={`tiles ${props.featuring ? "featuring" : ""}`}
      style={{ "--columns": columns }}
      aria-label="People in the room"
    >
      {props.children}
    </ul>
  );
}

/** Tiles are shown best at about the shape of a camera's picture. */
const SHAPE = 16 / 10;

/** The number of columns that gives the largest picture in `count` equal tiles on a width by height stage. */
export function bestColumns(count: number, width: number, height: number): number {
  let best = 1;
  let largest = 0;
  for (let columns = 1; columns <= Math.max(1, count); columns++) {
    const rows = Math.ceil(count / columns);
    const tileWidth = Math.min(width / columns, (height / rows) * SHAPE);
    if (tileWidth > largest + 1) {
      largest = tileWidth;
      best = columns;
    }
  }
  return best;
}
