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

/** Weights of four neighbours for a point between the middle two: a Catmull-Rom spline, smooth and true to its values. */
function weights(t: number): [number, number, number, number] {
  return [
    t * (-0.5 + t * (1 - 0.5 * t)),
    1 + t * t * (-2.5 + 1.5 * t),
    t * (0.5 + t * (2 - 1.5 * t)),
    t * t * (-0.5 + 0.5 * t),
  ];
}

/**
 * `side * side` values of squares as `finer * finer` values in between, by a spline in both directions.
 *
 * The values are smoothed and not their colours: the browser's own stretching of so few pixels shows creases.
 */
export function smoothed(side: number, values: readonly number[], finer: number): Float32Array {
  const last = side - 1;
  const places = Array.from({ length: finer }, (_, pixel) => {
    const at = ((pixel + 0.5) * side) / finer - 0.5;
    const from = Math.floor(at);
    const taken = [from - 1, from, from + 1, from + 2].map((square) => Math.min(last, Math.max(0, square)));
    return { taken, weights: weights(at - from) };
  });
  const result = new Float32Array(finer * finer);
  places.forEach((down, y) => {
    // One row of squares at this height, then the points along it.
    const row = Array.from({ length: side }, (_, column) =>
      down.taken.reduce((sum, square, i) => sum + (down.weights[i] ?? 0) * (values[square * side + column] ?? 0), 0),
    );
    places.forEach((across, x) => {
      const value = across.taken.reduce((sum, square, i) => sum + (across.weights[i] ?? 0) * (row[square] ?? 0), 0);
      result[y * finer + x] = Math.min(1, Math.max(0, value));
    });
  });
  return result;
}

/** Pixels of the drawing in each direction; the browser stretches it over the photo. */
const DRAWN = 192;

/** Draws `side * side` values. */
export function drawHeat(canvas: HTMLCanvasElement, side: number, values: readonly number[]): void {
  canvas.width = DRAWN;
  canvas.height = DRAWN;
  const context = canvas.getContext("2d");
  if (context === null) return;
  const image = context.createImageData(DRAWN, DRAWN);
  smoothed(side, values, DRAWN).forEach((value, index) => image.data.set(heatColour(value), index * 4));
  context.putImageData(image, 0, 0);
}
