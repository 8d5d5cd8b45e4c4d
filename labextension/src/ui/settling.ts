/** What has just come to where the reader's pointer is takes no click for a moment: they aimed at what stood there before. */

import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

import { isOpenQuestion, type Log } from "./store";

type Ref = RefObject<HTMLDivElement>;

/** As long as it takes to notice, in milliseconds. */
const SETTLES_IN = 500;
/** Moved by less than this, a button is still under the pointer that aimed at it. */
const FAR = 8;
/** An inbox looks after its own items. */
const CARDS = ".entry > :is(.question.open, .batch)";

/**
 * Marks open questions that the log has moved, that are new or ask for something else now, as `data-settling`: no pointer
 * reaches them, keys do.
 *
 * What the reader moved by scrolling is where they expect it, and what was marked is not marked for longer while it moves on:
 * in a log that never rests it can still be clicked. To be called after what scrolls the log.
 */
export function useSettling(region: Ref, content: Ref, log: Log): void {
  const places = useRef(new Map<Element, number>());
  const asked = useRef<ReadonlyMap<string, string | undefined>>(new Map());
  useLayoutEffect(() => {
    const said = asked.current;
    asked.current = new Map(log.messages.filter(isOpenQuestion).map(({ id, question }) => [id, question?.digest]));
    for (const card of region.current?.querySelectorAll("[data-question]") ?? []) {
      const id = card.getAttribute("data-question") ?? "";
      if (said.has(id) && asked.current.has(id) && said.get(id) !== asked.current.get(id)) settle(card);
    }
    const before = places.current;
    places.current = measure(region.current);
    for (const [card, top] of places.current) {
      const last = before.get(card);
      if (last === undefined || Math.abs(top - last) > FAR) settle(card);
    }
  }, [log]);
  useEffect(() => {
    const element = region.current;
    if (!element || !content.current) return;
    const note = () => {
      places.current = measure(element);
    };
    const observer = new ResizeObserver(note);
    observer.observe(content.current);
    element.addEventListener("scroll", note, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", note);
    };
  }, []);
}

function measure(region: HTMLElement | null): Map<Element, number> {
  if (!region) return new Map();
  const { top } = region.getBoundingClientRect();
  return new Map([...region.querySelectorAll(CARDS)].map((card) => [card, card.getBoundingClientRect().top - top]));
}

function settle(card: Element): void {
  if (card.hasAttribute("data-settling")) return;
  card.setAttribute("data-settling", "");
  setTimeout(() => {
    card.removeAttribute("data-settling");
  }, SETTLES_IN);
}
