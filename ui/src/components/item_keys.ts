/** Keys in a list of items below a field: the arrows walk it, and Escape or the arrow above the first leads back to the field. */
export function walkItems(event: KeyboardEvent, list: HTMLElement | undefined, onleave: () => void): void {
  if (event.key === "Escape") {
    event.stopPropagation();
    onleave();
    return;
  }
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by === undefined) return;
  event.preventDefault();
  const items = [...(list?.querySelectorAll<HTMLElement>(".menu-item") ?? [])];
  const next = items.indexOf(document.activeElement as HTMLElement) + by;
  if (next < 0) onleave();
  else items[next]?.focus();
}
