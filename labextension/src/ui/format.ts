/** Times and values as people read them. */

import type { Closing, Question } from "../protocol";

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

export function timeOf(at: string): string {
  return clock.format(new Date(at));
}

export function dayOf(at: string): string {
  const date = new Date(at);
  return date.toDateString() === new Date().toDateString() ? "Today" : day.format(date);
}

export function fullTimeOf(at: string): string {
  return full.format(new Date(at));
}

/** `4:05`, `2 h 10 min`, `3 days`. */
export function timeLeft(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  if (seconds >= 2 * 86_400) return `${Math.round(seconds / 86_400)} days`;
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

export function valueText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value, undefined, 1);
}

export interface Ending {
  /** What happened, up to the value: "Ada chose". */
  text: string;
  value?: string;
  mark: "✓" | "↩" | "–";
}

/** How a question ended, as one sentence. */
export function ending(question: Question, closing: Closing | undefined): Ending {
  const who = closing?.by_name ?? "Somebody";
  const value = closing?.value === undefined ? {} : { value: valueText(closing.value) };
  switch (closing?.outcome ?? question.state) {
    case "default":
      return { text: "Nobody answered in time, so the default was taken:", mark: "↩", ...value };
    case "timed_out":
      return { text: "Nobody answered in time", mark: "–" };
    case "withdrawn":
      return { text: `${closing?.by_name ?? "The asker"} took the question back`, mark: "–" };
    case "escalated":
      return { text: "Handed on to somebody else", mark: "–" };
    default:
      if (closing?.source) return { text: `Answered by ${closing.source}, not by a person:`, mark: "✓", ...value };
      return { text: `${who} ${question.choices ? "chose" : "answered"}`, mark: "✓", ...value };
  }
}

const amount = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });

/** `42 of 100`, `42`, or nothing. */
export function countText({ done, total }: { done?: number; total?: number }): string {
  if (done === undefined) return "";
  return total === undefined || total <= 0 ? amount.format(done) : `${amount.format(done)} of ${amount.format(total)}`;
}

/** `Ann is typing…`, `Ann and Bo are typing…`, `Ann, Bo and 2 others are typing…`. */
export function typingText(names: readonly string[]): string {
  const [first = "", second = ""] = names;
  if (names.length === 1) return `${first} is typing…`;
  if (names.length === 2) return `${first} and ${second} are typing…`;
  return `${first}, ${second} and ${names.length === 3 ? "another" : `${names.length - 2} others`} are typing…`;
}

export function initials(name: string): string {
  const words = name.split(/[\s_-]+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : [words[0]];
  return letters.map((word) => Array.from(word ?? "?")[0]?.toUpperCase() ?? "").join("");
}
