/** What else can be done with an open question: hand it on, or put it off. */

import { useContext, useState } from "preact/hooks";

import type { Message } from "../protocol";
import { useNow } from "./Now";
import type { Conversation } from "./conversation";
import { lineOf, whenOf } from "./format";
import { delegate, snooze } from "./handling";
import { Refusal, Unreachable } from "./rest";
import { Via } from "./via";

interface Props {
  message: Message;
  conversation: Conversation;
  /** The reader's own id. */
  me: string | undefined;
  /** Whether the reader may answer it. An owner who may not can only hand it on, to themselves as well. */
  asked: boolean;
}

export function More({ message, conversation, me, asked }: Props) {
  const via = useContext(Via);
  const [open, setOpen] = useState(false);
  const [delegating, setDelegating] = useState(false);
  const [to, setTo] = useState("");
  const { problem, busy, attempt } = useAttempt();
  const people = useNow(conversation.live, (now) => now.people);
  const others = [...people].filter(([id, { kind, role }]) => (id !== me || !asked) && id !== message.author_id && kind === "human" && role !== "observer");
  const put = (seconds: number) => {
    attempt(snooze(conversation, message, seconds));
  };
  return (
    <div class="more">
      <button
        class="quiet"
        aria-expanded={open}
        onClick={() => {
          setOpen(!open);
          setDelegating(false);
        }}
      >
        More
      </button>
      {open && (
        <div class="moves" role="group" aria-label="More to do with this question">
          <button
            class="quiet"
            disabled={busy || others.length === 0}
            title={others.length === 0 ? "Nobody else here may answer it" : undefined}
            aria-expanded={delegating}
            onClick={() => {
              setDelegating(!delegating);
            }}
          >
            Delegate…
          </button>
          {asked && <span class="hint">Snooze</span>}
          {asked && SNOOZES.map(({ text, seconds }) => (
            <button
              key={text}
              class="quiet"
              aria-label={`Snooze ${text}`}
              disabled={busy}
              onClick={() => {
                put(seconds());
              }}
            >
              {text}
            </button>
          ))}
        </div>
      )}
      {open && delegating && (
        <div class="moves">
          <select
            aria-label="Delegate to"
            value={to}
            onChange={(event) => {
              setTo(event.currentTarget.value);
            }}
          >
            <option value="">Who shall answer?</option>
            {others.map(([id, { name }]) => (
              <option key={id} value={name}>
                {name}
              </option>
            ))}
          </select>
          <button
            class="primary"
            disabled={busy || !to}
            onClick={() => {
              attempt(
                delegate(conversation, message, [to], via).then(() => {
                  setOpen(false);
                }),
              );
            }}
          >
            Delegate
          </button>
        </div>
      )}
      {problem && (
        <p class="note problem" role="status">
          {problem}
        </p>
      )}
    </div>
  );
}

const SNOOZES = [
  { text: "5 min", seconds: () => 300 },
  { text: "1 h", seconds: () => 3600 },
  { text: "until tomorrow", seconds: untilTomorrow },
];

/** Nine in the morning, where the reader is. */
function untilTomorrow(): number {
  const now = new Date();
  const then = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1, 9);
  return (then.getTime() - now.getTime()) / 1000;
}

/** A question that its reader has put off, as one line. */
export function Snoozed({ message, conversation, until }: Omit<Props, "me" | "asked"> & { until: string }) {
  const { problem, busy, attempt } = useAttempt();
  return (
    <p class="snoozed">
      <q>{lineOf(message.content)}</q> Snoozed until {whenOf(until)} ·{" "}
      <button
        class="quiet"
        disabled={busy}
        onClick={() => {
          attempt(snooze(conversation, message, 0));
        }}
      >
        Show now
      </button>
      {problem && <span class="problem">{problem}</span>}
    </p>
  );
}

/** Something that the hub is asked for once, and may refuse. */
export function useAttempt() {
  const [problem, setProblem] = useState<string>();
  const [busy, setBusy] = useState(false);
  const attempt = (action: Promise<unknown>) => {
    setBusy(true);
    setProblem(undefined);
    action
      .catch((error: unknown) => {
        if (!(error instanceof Refusal || error instanceof Unreachable)) throw error;
        setProblem(error.message);
      })
      .finally(() => {
        setBusy(false);
      });
  };
  return { problem, busy, attempt };
}
