/** Times and values as people read them. */

import type { Closing, Question } from "../protocol";
import { decisionOf, type Decision } from "./decision";

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const moment = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", hour: "numeric", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

export function timeOf(at: string): string {
  return clock.format(new Date(at));
}

/** The time, and the day if it is another than today. */
export function whenOf(at: string): string {
  const date = new Date(at);
  return date.toDateString() === new Date().toDateString() ? clock.format(date) : moment.format(date);
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

/** An answer, or what would be one, on a line: `yes`, `a, b`, `size: 3, tags: x, y`. */
export function answerText(question: Pick<Question, "kind">, value: unknown): string {
  const decision = question.kind === "approval" ? decisionOf(value) : undefined;
  if (decision) return (decision.approved ? "approve" : "reject") + (decision.comment ? ` (${decision.comment})` : "");
  return valueText(value);
}

function valueText(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "Yes" : "No";
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map(valueText).join(", ");
  if (typeof value === "string") return value;
  if (typeof value !== "object") return JSON.stringify(value);
  const pairs = Object.entries(value);
  return pairs.length === 0 ? "{}" : pairs.map(([name, each]) => `${name}: ${inner(each)}`).join(", ");
}

function inner(value: unknown): string {
  return typeof value === "object" && value !== null ? `(${valueText(value)})` : valueText(value);
}

export interface Ending {
  /** What happened, up to the value: "Ada chose". */
  text: string;
  value?: string;
  mark: "✓" | "✗" | "↩" | "–";
}

/** How a question ended, as one sentence. */
export function ending(question: Question, closing: Closing | undefined): Ending {
  const who = closing?.by_name ?? "Somebody";
  const value = closing?.value === undefined ? {} : { value: answerText(question, closing.value) };
  const decision = question.kind === "approval" ? decisionOf(closing?.value) : undefined;
  const outcome = closing?.outcome ?? question.state;
  if (decision && (outcome === "answered" || outcome === "escalated")) return decided(decision, closing);
  switch (outcome) {
    case "default":
      return { text: "Nobody answered in time, so the default was taken:", mark: "↩", ...value };
    case "timed_out":
      return { text: "Nobody answered in time", mark: "–" };
    case "withdrawn":
      return { text: `${closing?.by_name ?? "The asker"} took the question back`, mark: "–" };
    case "reopened":
      return { text: `${who} took the answer back`, mark: "↩" };
    default: {
      if (question.kind === "secret") return { text: `${who} told the asker:`, value: "••••", mark: "✓" };
      if (closing?.source) return { text: `Answered by ${closing.source}, not by a person:`, mark: "✓", ...value };
      const asked = outcome === "escalated" ? ", to whom it was escalated," : "";
      return { text: `${who}${asked} ${question.choices ? "chose" : "answered"}`, mark: "✓", ...value };
    }
  }
}

function decided({ approved, comment, always }: Decision, closing: Closing | undefined): Ending {
  const mark = approved ? "✓" : "✗";
  const said = approved ? "approved" : "rejected";
  const why = comment ? { value: `“${comment}”` } : {};
  // "always approved by Ada": the hub's word for whose standing approval it was.
  if (closing?.source) return { text: closing.source.startsWith("always ") ? capital(closing.source) : `${capital(said)} by ${closing.source}, not by a person`, mark, ...why };
  const asked = closing?.outcome === "escalated" ? ", to whom it was escalated," : "";
  return { text: `${closing?.by_name ?? "Somebody"}${asked} ${said}${approved && always ? ", always for this notebook" : ""}`, mark, ...why };
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What was said, as a line that tells it from the rest. */
export function lineOf(text: string): string {
  const line = text.trim().replace(/\*\*|`/g, "").replace(/\s+/g, " ");
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
}

const amount = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });

export function amountText(number: number): string {
  return amount.format(number);
}

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

/** How long something took: `0.4 s`, `42 s`, `3 min`, `2 h 10 min`. */
export function spanText(seconds: number): string {
  if (seconds < 9.95) return `${Math.max(0.1, seconds).toFixed(1).replace(".0", "")} s`;
  if (seconds < 99.5) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
