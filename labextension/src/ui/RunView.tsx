import type { Message } from "../protocol";
import { fullTimeOf, spanText, timeOf } from "./format";

export const RUN_MIME = "application/vnd.agentchat.run+json";

/** What an agent tells of a run that began or ended. Its words are shown as plain text. */
export interface Run {
  name: string;
  state: "started" | "finished" | "failed" | "stopped";
  seconds?: number;
  error?: string;
  traceback?: string;
}

const MARKS: Record<Run["state"], string> = { started: "▶", finished: "✓", failed: "✗", stopped: "■" };

/** The run that a message tells of, if it tells of one. What the part holds came from outside: it is looked at. */
export function runOf({ parts }: Message): Run | undefined {
  for (const { data } of parts ?? []) {
    const part = isObject(data) ? data[RUN_MIME] : undefined;
    if (!isObject(part)) continue;
    const { name, state, seconds, error, traceback } = part;
    if (typeof name !== "string" || typeof state !== "string" || !Object.hasOwn(MARKS, state)) continue;
    return {
      name,
      state: state as Run["state"],
      ...(typeof seconds === "number" ? { seconds } : {}),
      ...(typeof error === "string" ? { error } : {}),
      ...(typeof traceback === "string" ? { traceback } : {}),
    };
  }
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** One line a run's beginning and one its end: they are milestones between what is said. */
export function RunView({ message, run }: { message: Message; run: Run }) {
  const { name, state, seconds, error, traceback } = run;
  return (
    <article class={`run ${state}`} aria-label={`${message.author_name}, ${message.author_kind}`}>
      <p>
        <span class="mark" aria-hidden="true">
          {MARKS[state]}
        </span>
        <span>
          <strong>{name}</strong> {ended(state, seconds, error)}
        </span>
        <span class="by">{message.author_name}</span>
        <time dateTime={message.created_at} title={fullTimeOf(message.created_at)}>
          {timeOf(message.created_at)}
        </time>
      </p>
      {traceback && (
        <details>
          <summary>Traceback</summary>
          <pre tabIndex={0}>{traceback}</pre>
        </details>
      )}
    </article>
  );
}

function ended(state: Run["state"], seconds: number | undefined, error: string | undefined): string {
  const span = seconds === undefined ? "" : spanText(seconds);
  if (state === "started") return "started";
  if (state === "finished") return span ? `finished in ${span}` : "finished";
  const after = span ? ` after ${span}` : "";
  // "stopped by Ada: too slow"
  return error?.startsWith(state) ? `${error}${after && ` (${after.trim()})`}` : `${state}${after}${error ? `: ${error}` : ""}`;
}
