/** What was used goes: who got to it by keyboard goes on from the log, not from the top of the page. */
export function leave(used: HTMLElement): void {
  const { activeElement } = used.getRootNode() as ShadowRoot;
  if (activeElement && used.contains(activeElement)) used.closest<HTMLElement>(".batch, .log")?.focus({ preventScroll: true });
}
