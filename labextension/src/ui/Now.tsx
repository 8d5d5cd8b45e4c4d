/** The line above the composer: who types, and what agents do. What it says came from others, and is shown as plain text. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import type { Control } from "../protocol";
import { Steer } from "./Steer";
import { othersText, standing, unread, ways, type Standing } from "./steering";
import type { Conversation } from "./conversation";
import { countText, typingText } from "./format";
import type { Live } from "./live";
import type { Doing, Now, Progress } from "./said";

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

/** How often it is looked whether a run has fallen silent. */
const LOOK_EVERY = 10_000;

interface Agent {
  id: string;
  name: string;
  doing: Doing | undefined;
  control: Control | undefined;
  standing: Standing | undefined;
}

/** Of whom there is something to say. By name: a line that changed places would put its buttons under a pointer that aimed at another. */
function agents(live: Live, { doing, controls, people, presence }: Now): Agent[] {
  const found: Agent[] = [];
  for (const id of new Set([...doing.map((each) => each.id), ...controls.keys()])) {
    const person = people.get(id);
    const said = doing.find((each) => each.id === id);
    const control = controls.get(id);
    if (!person) continue;
    const words = [said?.status, said?.progress?.text].find(Boolean) ?? "";
    const seen = control && { control, online: !presence || person.online, at: live.lastSign(id), said: words };
    const stands = seen && standing(seen, Date.now());
    if (said || stands) found.push({ id, name: person.name, doing: said, control, standing: stands });
  }
  return found.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }) || one.id.localeCompare(other.id));
}

export function NowLine({ conversation, me }: { conversation: Conversation; me: string | undefined }) {
  const { live } = conversation;
  const now = useNow(live, (all) => all);
  const { typing, drafts, people } = now;
  const [all, setAll] = useState(false);
  const [box, lines] = useSmoothHeight();
  const found = agents(live, now);
  useLook(found.some(({ standing: stands }) => stands?.tone === "running" || stands?.tone === "ended"));
  const hidden = found.slice(LINES);
  const others = othersText(hidden.map((each) => each.standing));
  const shown = all ? found : found.slice(0, LINES);
  const typists = typing.filter((id) => !drafts.some((draft) => draft.authorId === id)).flatMap((id) => people.get(id)?.name ?? []);
  const mayAsk = me === undefined || people.get(me)?.role !== "observer";
  // It changes ten times a second: who listens to the page hears it when they come here, and not before.
  return (
    <>
      <div ref={box} class="now" role="group" aria-label="Happening now" aria-live="off">
        <div ref={lines} class="lines">
          {shown.length > 0 && (
            <ul class={all ? "all" : undefined}>
              {shown.map((each) => (
                <Line key={each.id} agent={each} conversation={conversation} mayAsk={mayAsk} />
              ))}
            </ul>
          )}
          {hidden.length > 0 && (
            <button
              class={others.bad && !all ? "quiet bad" : "quiet"}
              aria-expanded={all}
              onClick={() => {
                setAll(!all);
              }}
            >
              {all ? "Show fewer" : others.text}
            </button>
          )}
          {typists.length > 0 && <p class="typing">{typingText(typists)}</p>}
        </div>
      </div>
      <News agents={found} />
    </>
  );
}

/** Draws anew now and then, for what changes by time alone. */
function useLook(active: boolean): void {
  const [, redraw] = useState({});
  useEffect(() => {
    if (!active) return;
    const timer = setInterval(() => {
      redraw({});
    }, LOOK_EVERY);
    return () => {
      clearInterval(timer);
    };
  }, [active]);
}

/** What was asked of an agent and what became of it, for who listens: the line itself changes too often to be read out. */
function News({ agents: all }: { agents: readonly Agent[] }) {
  const before = useRef<ReadonlyMap<string, string>>();
  const said = useRef("");
  const news = new Map(all.filter(({ standing: stands }) => stands?.news).map(({ id, name, standing: stands }) => [id, `${name}: ${stands?.text}`]));
  const last = before.current;
  // What was so when the page opened is no news.
  const fresh = last ? [...news].filter(([id, text]) => last.get(id) !== text).map(([, text]) => text) : [];
  if (fresh.length > 0) said.current = fresh.join(". ");
  if (last !== undefined || all.length > 0) before.current = news;
  return (
    <p class="heard" role="status">
      {said.current}
    </p>
  );
}

function Line({ agent, conversation, mayAsk }: { agent: Agent; conversation: Conversation; mayAsk: boolean }) {
  const { id, name, control, standing: stands } = agent;
  const { status, progress } = agent.doing ?? {};
  const step = progress?.text;
  const isSaidTwice = status === step;
  const notes = control ? unread(control) : 0;
  const asks = stands?.ways ?? (agent.doing ? ways(control?.state ?? "idle") : []);
  return (
    <li>
      <div class="said">
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
      </div>
      <div class="stands">
        {stands?.text && (
          <span class={`run-state ${stands.tone}`} title={stands.text}>
            {stands.text}
          </span>
        )}
        {notes > 0 && <span class="run-state asked">{notes === 1 ? "a note not taken yet" : `${notes} notes not taken yet`}</span>}
        {mayAsk && asks.length > 0 && (
          <Steer steered={{ address: conversation.address, channelId: conversation.channelId, agentId: id, name, run: control?.run }} ways={asks} />
        )}
      </div>
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
