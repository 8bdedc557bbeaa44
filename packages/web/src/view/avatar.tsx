import type { JSX } from "preact";

/** Two letters on a colour of one's own, where there is no picture. Decorative: the name stands beside it. */
export function Avatar({ name, large = false }: { name: string; large?: boolean }): JSX.Element {
  const words = (name.trim() || "Guest").split(/[\s-]+/);
  const letters = words.length > 1 ? `${words[0]?.[0]}${words[1]?.[0]}` : (words[0] ?? "G").slice(0, 2);
  const hue = [...name].reduce((sum, sign) => (sum * 31 + (sign.codePointAt(0) ?? 0)) % 360, 40);
  return (
    <span class={`avatar ${large ? "large" : ""}`} aria-hidden="true" style={{ "--hue": hue }}>
      {letters.toUpperCase()}
    </span>
  );
}
