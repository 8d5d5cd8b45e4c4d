/** What the control plane says of an agent, as people read it: pure functions, for the line in "Happening now" and its buttons. */

import type { Control, Intent, IntentKind } from "../protocol";
import { timeOf } from "./format";

/** Milliseconds without a sign of life after which a run is called silent. */
export const SILENT_AFTER = 60_000;
/** So long is the end of a run still told here. The log keeps it. */
export const ENDED_FOR = 10 * 60_000;

/** What the hub and the signals tell of one agent. */
export interface Seen {
  control: Control;
  /** Connected now, or a moment ago. */
  online: boolean;
  /** Its last sign of life, in milliseconds since 1970. */
  at: number | undefined;
  /** What it says of itself, beside which this stands: a run named there is not named twice. */
  said: string;
}

export type Tone = "asked" | "running" | "paused" | "ended" | "bad";

export interface Standing {
  text: string;
  tone: Tone;
  /** What may be asked now, in the order of the buttons. */
  ways: readonly IntentKind[];
  /** Worth telling a listener; what comes and goes by itself, or stands in the log as well, is not. */
  news: boolean;
}

/** What is still wanted of the run. What was taken back counts no longer; a stop stands, whatever was asked after it but resume. */
export function wanted({ state, pending = [] }: Control): Intent | undefined {
  let wish: Intent | undefined;
  for (const intent of pending) {
    if (intent.kind === "steer") continue;
    if (intent.kind === "resume") wish = state === "paused" ? intent : undefined;
    else if (wish?.kind !== "stop") wish = intent;
  }
  return wish;
}

/** Texts that the agent has not taken yet. */
export function unread({ pending = [] }: Control): number {
  return pending.filter(({ kind }) => kind === "steer").length;
}

/** How an agent stands, or nothing where there is nothing to tell. */
export function standing(seen: Seen, now: number): Standing | undefined {
  const { control, online, at, said } = seen;
  const { state } = control;
  const run = control.run && !said.startsWith(control.run) ? `${control.run} · ` : "";
  const wish = wanted(control);
  const active = state === "running" || state === "paused";
  if (active && !online) {
    const since = at === undefined ? "" : ` since ${timeOf(new Date(at).toISOString())}`;
    const doing = control.run && state === "paused" ? `${control.run} was paused` : `${state} ${control.run ?? ""}`.trim();
    return { text: `gone${since} while ${doing}`, tone: "bad", ways: [], news: true };
  }
  if (wish) {
    const text = `${run}asked to ${wish.kind} by ${wish.by_name}`;
    return { text, tone: "asked", ways: ways(state, wish.kind), news: true };
  }
  if (state === "paused") return { text: `${run}paused`, tone: "paused", ways: ways(state), news: true };
  if (state === "running") {
    const silent = at === undefined ? 0 : now - at;
    const since = control.at === undefined ? "" : ` since ${timeOf(control.at)}`;
    const text = silent >= SILENT_AFTER ? `${run}silent for ${Math.floor(silent / 60_000)} min` : `${run}running${since}`;
    return { text, tone: silent >= SILENT_AFTER ? "bad" : "running", ways: ways(state), news: false };
  }
  const notes = unread(control);
  if (notes > 0) return { text: "", tone: "asked", ways: ways(state), news: false };
  if (state === "idle" || control.at === undefined || now - Date.parse(control.at) > ENDED_FOR) return undefined;
  return { text: `${run}${state}`, tone: state === "failed" ? "bad" : "ended", ways: [], news: false };
}

/** Says how many lines are not shown, and how many of those somebody should look at. */
export function othersText(hidden: readonly (Standing | undefined)[]): { text: string; bad: boolean } {
  const bad = hidden.filter((each) => each?.tone === "bad").length;
  return { text: `and ${hidden.length} more${bad > 0 ? `, ${bad} in trouble` : ""}`, bad: bad > 0 };
}

/** What may be asked of an agent in this state, of which this is wanted already. */
export function ways(state: Control["state"], wish?: IntentKind): readonly IntentKind[] {
  const held = wish === "pause" || wish === "stop" || (state === "paused" && wish !== "resume");
  return [held ? "resume" : "pause", ...(wish === "stop" ? [] : ["stop" as const]), "steer"];
}
