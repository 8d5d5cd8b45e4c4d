/** The line above the composer: who types, and what agents do. What it says came from others, and is shown as plain text. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { countText, typingText } from "./format";
import type { Doing, Live, Now, Progress } from "./live";

/** Lines that are shown before the rest is asked for. */
const LINES = 3;

/** A part of what is so now. It draws anew when that part is another. */
export function useNow<Part>(live: Live, select: (now: Now) => Part): Part {
  const [, redraw] = useState({});
  const part = select(live.current);
  const latest = useRef(part);
  latest.current = part;
  useEffect(() => {
    const look = () => {
      if (!Object.is(select(live.current), latest.current)) redraw({});
    };
    look();
    return live.watch(look);
  }, [live]);
  return part;
}

export function NowLine({ live }: { live: Live }) {
  const { doing, typing, drafts, people } = useNow(live, (now) => now);
  const [all, setAll] = useState(false);
  const [box, lines] = useSmoothHeight();
  const named = doing.filter(({ id }) => people.has(id));
  const more = named.length - LINES;
  const shown = all ? named : named.slice(0, LINES);
  const typists = typing.filter((id) => !drafts.some((draft) => draft.authorId === id)).flatMap((id) => people.get(id)?.name ?? []);
  // It changes ten times a second: who listens to the page hears it when they come here, and not before.
  return (
    <div ref={box} class="now" role="group" aria-label="Happening now" aria-live="off">
      <div ref={lines} class="lines">
        {shown.length > 0 && (
          <ul>
            {shown.map((each) => (
              <Line key={each.id} name={people.get(each.id)?.name ?? ""} doing={each} />
            ))}
          </ul>
        )}
        {more > 0 && (
          <button
            class="quiet"
            aria-expanded={all}
            onClick={() => {
              setAll(!all);
            }}
          >
            {all ? "Show fewer" : `and ${more} more`}
          </button>
        )}
        {typists.length > 0 && <p class="typing">{typingText(typists)}</p>}
      </div>
    </div>
  );
}

function Line({ name, doing: { status, progress } }: { name: string; doing: Doing }) {
  const step = progress?.text;
  const isSaidTwice = status === step;
  return (
    <li>
      <span class="author">{name}</span>{" "}
      {status && !isSaidTwice && (
        <span class="status" title={status}>
          {progress ? `${status} ·` : status}
        </span>
      )}{" "}
      {step && (
        <span class="step" title={step}>
          {step}
        </span>
      )}{" "}
      {progress && <span class="tally">{countText(progress)}</span>}
      {progress && <Bar label={`${name}: ${progress.text}`} progress={progress} />}
    </li>
  );
}

function Bar({ label, progress }: { label: string; progress: Progress }) {
  const { done, total } = progress;
  const known = done !== undefined && total !== undefined && total > 0;
  const value = known ? Math.min(Math.max(done, 0), total) : undefined;
  return (
    <span
      class={known ? "bar" : "bar unknown"}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={known ? total : undefined}
      aria-valuenow={value}
      aria-valuetext={countText(progress) || undefined}
    >
      <span style={value === undefined ? undefined : { width: `${(100 * value) / (total ?? 1)}%` }} />
    </span>
  );
}

/** The box is as tall as its lines, a moment later: what is below and above it glides instead of jumping. */
function useSmoothHeight() {
  const box = useRef<HTMLDivElement>(null);
  const lines = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (!lines.current) return;
    const observer = new ResizeObserver(() => {
      if (box.current && lines.current) box.current.style.height = `${lines.current.offsetHeight}px`;
    });
    observer.observe(lines.current);
    return () => {
      observer.disconnect();
    };
  }, []);
  return [box, lines] as const;
}

/** How many are here, if the hub tells. */
export function Here({ live }: { live: Live }) {
  const people = useNow(live, (now) => (now.presence ? now.people : undefined));
  const names = [...(people?.values() ?? [])].filter(({ online }) => online).map(({ name }) => name);
  if (names.length === 0) return null;
  return (
    <span class="here" title={names.join(", ")}>
      {names.length} here
    </span>
  );
}

/** Said at an open question: nobody takes the answer yet. */
export function AskerAway({ live, askerId, name }: { live: Live; askerId: string; name: string }) {
  const away = useNow(live, (now) => now.presence && now.people.get(askerId)?.online === false);
  return away ? <p class="terms">{name} is not connected now; your answer waits for it.</p> : null;
}
