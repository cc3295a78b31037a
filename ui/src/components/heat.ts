/** Colours of a heat map: from nothing through violet and orange to pale yellow, lighter is more. */
const STOPS: [number, number, number, number][] = [
  [20, 10, 60, 0],
  [87, 20, 126, 110],
  [188, 55, 84, 150],
  [249, 142, 9, 175],
  [252, 255, 164, 190],
];

/** Red, green, blue and alpha, 0 to 255, of a value in 0..=1. */
export function heatColour(value: number): [number, number, number, number] {
  const at = Math.min(1, Math.max(0, value)) * (STOPS.length - 1);
  const below = Math.min(STOPS.length - 2, Math.floor(at));
  const share = at - below;
  const from = STOPS[below] ?? [0, 0, 0, 0];
  const to = STOPS[below + 1] ?? from;
  const mix = (i: 0 | 1 | 2 | 3) => Math.round(from[i] + (to[i] - from[i]) * share);
  return [mix(0), mix(1), mix(2), mix(3)];
}

/** Draws `side * side` values as pixels; the canvas is stretched smoothly over the photo. */
export function drawHeat(canvas: HTMLCanvasElement, side: number, values: readonly number[]): void {
  canvas.width = side;
  canvas.height = side;
  const context = canvas.getContext("2d");
  if (context === null) return;
  const image = context.createImageData(side, side);
  values.forEach((value, index) => image.data.set(heatColour(value), index * 4));
  context.putImageData(image, 0, 0);
}
