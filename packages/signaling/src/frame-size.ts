import { LIMITS } from "@lodeline/protocol";

/** Room that a frame needs around its message: kind, two numbers of up to 16 digits, punctuation. */
const FRAME_OVERHEAD = 96;

/** Whether a message of this JSON would make a frame above LIMITS.frameBytes; counts UTF-8 only where it could matter. */
export function isTooLarge(json: string): boolean {
  const room = LIMITS.frameBytes - FRAME_OVERHEAD;
  if (json.length > room) return true;
  return json.length * 3 > room && utf8Bytes(json) > room;
}

function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // A half of a surrogate pair counts two: four bytes for the two units.
    if (unit >= 0x80) bytes += unit >= 0x800 && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes;
}
