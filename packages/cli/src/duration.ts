import { LodelineError } from "@lodeline/base";

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

/**
 * Reads a duration as people write it: `90s`, `10m`, `6h`, `2d`.
 *
 * @returns Seconds.
 * @throws LodelineError `config/invalid` with the option's name.
 */
export function parseDuration(text: string, option: string): number {
  const [, digits, letter] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const factor = SECONDS[letter as keyof typeof SECONDS];
  if (digits === undefined || factor === undefined || Number(digits) === 0) {
    throw new LodelineError("config/invalid", {
      field: option,
      detail: `--${option} is a duration like 90s, 10m, 6h or 2d.`,
    });
  }
  return Number(digits) * factor;
}
