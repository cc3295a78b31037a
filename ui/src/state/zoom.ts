/** Zoom and pan of a photo in a window: pure geometry, in pixels from the window's middle. */
export interface Pan {
  /** 1 fits the photo into the window. */
  scale: number;
  x: number;
  y: number;
}

export const FIT: Pan = { scale: 1, x: 0, y: 0 };
export const MOST = 16;

interface Size {
  width: number;
  height: number;
}

/** The photo's size on screen when it fits; small photos are not enlarged. */
export function fitted(photo: Size, view: Size): Size {
  if (photo.width <= 0 || photo.height <= 0) return { width: 0, height: 0 };
  const scale = Math.min(1, view.width / photo.width, view.height / photo.height);
  return { width: photo.width * scale, height: photo.height * scale };
}

/** Zooms by a factor and keeps the point (from the middle) where it is. */
export function zoomAt(pan: Pan, factor: number, point: { x: number; y: number }): Pan {
  const scale = Math.min(MOST, Math.max(1, pan.scale * factor));
  const by = scale / pan.scale;
  return { scale, x: point.x - (point.x - pan.x) * by, y: point.y - (point.y - pan.y) * by };
}

/** The pan with no empty stripe where the photo could fill the window. */
export function clamped(pan: Pan, shown: Size, view: Size): Pan {
  const limit = (size: number, room: number) => Math.max(0, (size * pan.scale - room) / 2);
  const within = (value: number, most: number) => Math.min(most, Math.max(-most, value));
  return {
    scale: pan.scale,
    x: within(pan.x, limit(shown.width, view.width)),
    y: within(pan.y, limit(shown.height, view.height)),
  };
}
