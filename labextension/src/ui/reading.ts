/** Where in the log the reader is, and how that holds while the log grows at both ends. */

import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { isOpenQuestion, type Log } from "./store";

type Ref = RefObject<HTMLDivElement>;
/** What is out of sight, as the button that leads there says it. */
export type Elsewhere = "Open question" | "Newest messages";

/** Closer to an edge than this is there. */
const NEAR = 40;

/** Keeps what is being read where it is when earlier messages come in above it. */
export function useAnchor(region: Ref, log: Log): void {
  const last = useRef({ oldest: log.oldest, height: 0 });
  useLayoutEffect(() => {
    const element = region.current;
    if (!element) return;
    if (log.oldest < last.current.oldest) element.scrollTop += element.scrollHeight - last.current.height;
    last.current = { oldest: log.oldest, height: element.scrollHeight };
  });
}

interface Read {
  log: Log;
  unsent: number;
  /** The end of the log is before the reader's eyes. */
  onSeen: () => void;
}

interface Reading {
  elsewhere: Elsewhere | undefined;
  look: () => void;
  follow: () => void;
}

/**
 * Follows the end while the reader is there, and tells what is out of sight while not. It scrolls the log, never the page.
 *
 * `look` is to be called when the reader scrolls, `follow` when the log has grown.
 */
export function useReading(region: Ref, content: Ref, { log, unsent, onSeen }: Read): Reading {
  const atEnd = useRef(true);
  const shown = useRef<{ id?: string | undefined; since: number }>({ since: 0 });
  const [elsewhere, setElsewhere] = useState<Elsewhere>();
  const asked = log.messages.findLast(isOpenQuestion);
  // An inbox is one thing to go to, however many are asked in it.
  const open = asked?.question?.batch?.id ?? asked?.id;
  const look = () => {
    const element = region.current;
    if (!element) return;
    atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR;
    if (atEnd.current && isInView(element)) onSeen();
    // Over a tall question that one is in, nothing may lie: only what has not even begun in sight is elsewhere.
    const isBelow = !atEnd.current && beginsBelow(content.current?.lastElementChild, element);
    setElsewhere(isOutOfSight(openCard(element), element) ? "Open question" : isBelow ? "Newest messages" : undefined);
  };
  const follow = () => {
    const element = region.current;
    // A panel that is drawn before it is in the document has no heights yet.
    if (!element || element.clientHeight === 0) return;
    if (atEnd.current) {
      toEnd(element);
      if (open !== shown.current.id) shown.current = { id: open, since: performance.now() };
      // What waits for an answer is what the panel is there for, also if much was said since; and it is read from its beginning.
      // Pictures in it take their place a moment after it came.
      const isNew = performance.now() - shown.current.since < 1000;
      if (open !== undefined && isNew && isBegunAbove(openCard(element), element)) go("Open question", element);
    }
    look();
  };
  const latest = useRef(follow);
  latest.current = follow;
  useLayoutEffect(follow, [log]);
  useEffect(() => {
    if (!content.current || !region.current) return;
    // Images load, fonts come, cells are resized: the end moves without a message.
    const observer = new ResizeObserver(() => {
      latest.current();
    });
    observer.observe(content.current);
    observer.observe(region.current);
    return () => {
      observer.disconnect();
    };
  }, []);
  useEffect(() => {
    // Who has just said something wants to see it.
    if (unsent > 0 && region.current) toEnd(region.current);
  }, [unsent]);
  return {
    elsewhere,
    look,
    follow: () => {
      latest.current();
    },
  };
}

/** Goes to what is elsewhere. */
export function go(where: Elsewhere, region: HTMLElement): void {
  const card = where === "Open question" ? openCard(region) : undefined;
  if (card) region.scrollTop += card.getBoundingClientRect().top - region.getBoundingClientRect().top - 8;
  else toEnd(region);
}

function toEnd(region: HTMLElement): void {
  region.scrollTop = region.scrollHeight;
}

function openCard(region: HTMLElement): Element | undefined {
  return [...region.querySelectorAll(".question.open")].at(-1);
}

function isInView(region: HTMLElement): boolean {
  const { bottom } = region.getBoundingClientRect();
  return document.visibilityState === "visible" && bottom > 0 && bottom < window.innerHeight + NEAR;
}

function beginsBelow(entry: Element | null | undefined, region: HTMLElement): boolean {
  return !!entry && entry.getBoundingClientRect().top > region.getBoundingClientRect().bottom - NEAR;
}

function isBegunAbove(card: Element | undefined, region: HTMLElement): boolean {
  return card !== undefined && card.getBoundingClientRect().top < region.getBoundingClientRect().top;
}

function isOutOfSight(card: Element | undefined, region: HTMLElement): boolean {
  if (!card) return false;
  const [one, other] = [card.getBoundingClientRect(), region.getBoundingClientRect()];
  return one.bottom < other.top + NEAR || one.top > other.bottom - NEAR;
}
