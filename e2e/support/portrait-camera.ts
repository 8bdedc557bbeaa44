import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The colours of a picture, each red, green, blue, 0 .. 255. */
export interface Palette {
  readonly far: readonly [number, number, number];
  readonly near: readonly [number, number, number];
  /** What the person wears. */
  readonly person: readonly [number, number, number];
  readonly skin: readonly [number, number, number];
  readonly hair: readonly [number, number, number];
}

const WIDTH = 640;
const HEIGHT = 400;
const FRAMES = 24;
const FRAMES_PER_SECOND = 12;

/**
 * A folder with a video file that Chromium plays as its camera (`--use-file-for-fake-video-capture`): somebody before a
 * room, in flat colours, moving a little. Disposing of it removes the folder.
 */
export async function portraitCamera(palette: Palette): Promise<{ readonly path: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), "lodeline-camera-"));
  const path = join(folder, "camera.y4m");
  const parts: Buffer[] = [Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${FRAMES_PER_SECOND}:1 Ip A1:1 C420jpeg\n`)];
  for (let frame = 0; frame < FRAMES; frame++) parts.push(Buffer.from("FRAME\n"), drawFrame(palette, frame / FRAMES));
  await writeFile(path, Buffer.concat(parts));
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

function drawFrame(palette: Palette, phase: number): Buffer {
  const luma = WIDTH * HEIGHT;
  const out = Buffer.alloc(luma + luma / 2);
  const sway = Math.sin(phase * 2 * Math.PI);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const [red, green, blue] = colourAt(palette, x, y, sway);
      out[y * WIDTH + x] = 0.299 * red + 0.587 * green + 0.114 * blue;
      if (x % 2 === 0 && y % 2 === 0) {
        const at = luma + (y / 2) * (WIDTH / 2) + x / 2;
        out[at] = 128 - 0.169 * red - 0.331 * green + 0.5 * blue;
        out[at + luma / 4] = 128 + 0.5 * red - 0.419 * green - 0.081 * blue;
      }
    }
  }
  return out;
}

type Colour = readonly [number, number, number];

function colourAt({ far, near, person, skin, hair }: Palette, x: number, y: number, sway: number): Colour {
  const head = Math.hypot((x - WIDTH / 2 - sway * 5) / 60, (y - 176) / 76);
  const crown = Math.hypot((x - WIDTH / 2 - sway * 5) / 72, (y - 156) / 80);
  const face = Math.hypot((x - WIDTH / 2 - sway * 6 - 4) / 52, (y - 190) / 64);
  const shoulders = Math.hypot((x - WIDTH / 2 - sway * 2) / 158, (y - HEIGHT - 28) / 168);
  const neck = Math.abs(x - WIDTH / 2 - sway * 4) < 27 && y > 220 && y < 300;
  const within = Math.min(head, shoulders, crown, neck ? 0.9 : 9);
  const behind = mix(far, near, smooth((y + 60 * Math.sin(x / 150 + 1)) / HEIGHT));
  // A soft light from the upper left keeps the flat colours from looking like a chart.
  const lit = scale(behind, 1.12 - 0.3 * Math.hypot(x / WIDTH, y / HEIGHT));
  const top = mix(skin, hair, smooth((face - 0.985) / 0.03));
  const worn = neck && shoulders > 1 ? scale(skin, 0.86) : person;
  const body = Math.min(head, crown) < 1 ? top : worn;
  return mix(body, lit, smooth((within - 0.985) / 0.03));
}

function mix(a: Colour, b: Colour, part: number): Colour {
  const t = Math.min(1, Math.max(0, part));
  return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
}

function scale(colour: Colour, by: number): Colour {
  return [Math.min(255, colour[0] * by), Math.min(255, colour[1] * by), Math.min(255, colour[2] * by)];
}

function smooth(part: number): number {
  const t = Math.min(1, Math.max(0, part));
  return t * t * (3 - 2 * t);
}
