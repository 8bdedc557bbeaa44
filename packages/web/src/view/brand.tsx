import type { JSX } from "preact";

/** The mark and the name, leading home. */
export function Brand({ bare = false }: { bare?: boolean }): JSX.Element {
  return (
    <a class="brand" href="/" aria-label="Lodeline, to the front page">
      <img src="/mark.svg" alt="" />
      {!bare && <span>Lodeline</span>}
    </a>
  );
}
