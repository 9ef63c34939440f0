/** The page's element of that id. */
export const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;

/** A new element with properties and children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** Shows what went wrong in an element, or hides it. */
export function tell(place: HTMLElement, error: unknown): void {
  place.hidden = error === undefined;
  place.textContent = error instanceof Error ? error.message : String(error ?? '');
}
