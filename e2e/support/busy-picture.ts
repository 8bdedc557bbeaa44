/**
 * A function `busyPicture(width, height)` as plain script: a stream of a picture that an encoder cannot make small, whatever
 * it is allowed. Fake cameras show one that takes 300 kbit/s at most.
 */
export const BUSY_PICTURE = `function busyPicture(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width; canvas.height = height;
  const context = canvas.getContext("2d");
  const tiles = Array.from({ length: 8 }, () => {
    const tile = document.createElement("canvas");
    tile.width = 32; tile.height = 18;
    const pixels = tile.getContext("2d").createImageData(32, 18);
    for (let i = 0; i < pixels.data.length; i++) pixels.data[i] = i % 4 === 3 ? 255 : 96 + Math.random() * 64;
    tile.getContext("2d").putImageData(pixels, 0, 0);
    return tile;
  });
  const draw = () => {
    for (let i = 0; i < 3; i++) {
      const tile = tiles[Math.floor(Math.random() * tiles.length)];
      context.drawImage(tile, Math.random() * (width - 160), Math.random() * (height - 90), 160, 90);
    }
  };
  for (let i = 0; i < 60; i++) draw();
  setInterval(draw, 50);
  return canvas.captureStream(20);
}`;
