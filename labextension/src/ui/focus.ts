import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

import type { Log } from "./store";

/** What was used goes: who got to it by keyboard goes on from the log, not from the top of the page. */
export function leave(used: HTMLElement): void {
  const { activeElement } = used.getRootNode() as ShadowRoot;
  if (activeElement && used.contains(activeElement)) used.closest<HTMLElement>(".batch, .log")?.focus({ preventScroll: true });
}

/** The same where others took it away: a question that somebody else answers has no buttons any more. */
export function useKeptFocus(region: RefObject<HTMLDivElement>, log: Log): void {
  const last = useRef<{ used: Element; home: HTMLElement | null }>();
  useEffect(() => {
    const element = region.current;
    if (!element) return;
    const come = ({ target }: FocusEvent) => {
      const used = target as HTMLElement;
      last.current = { used, home: used.closest<HTMLElement>(".batch") };
    };
    const go = ({ target }: FocusEvent) => {
      // What is taken away loses the focus as well: that is seen first.
      setTimeout(() => {
        if (last.current?.used === target) last.current = undefined;
      });
    };
    element.addEventListener("focusin", come);
    element.addEventListener("focusout", go);
    return () => {
      element.removeEventListener("focusin", come);
      element.removeEventListener("focusout", go);
    };
  }, []);
  useLayoutEffect(() => {
    const element = region.current;
    if (!element || !last.current || last.current.used.isConnected) return;
    const { home } = last.current;
    last.current = undefined;
    if ((element.getRootNode() as ShadowRoot).activeElement) return;
    (home?.isConnected ? home : element).focus({ preventScroll: true });
  }, [log]);
}
