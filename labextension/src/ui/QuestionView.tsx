import { useEffect, useState } from "preact/hooks";

import type { ErrorBody, Message, Question } from "../protocol";
import { Byline, Avatar, Markdown } from "./MessageView";
import { AskerAway } from "./Now";
import { ending, fullTimeOf, timeLeft, timeOf, valueText } from "./format";
import type { Live } from "./live";
import type { Entry } from "./outbox";
import { draft, keepDraft } from "./shared";

interface Props {
  message: Message;
  question: Question;
  live: Live;
  /** This human's own answer, on its way or refused. */
  pending: Entry | undefined;
  onAnswer: (value: unknown) => void;
}

export function QuestionView({ message, question, live, pending, onAnswer }: Props) {
  const open = question.state === "open";
  // Of the question, not of the component: useId starts anew in each panel, and the label of another question would be found.
  const id = `question-${message.id}`;
  return (
    <article class={`question ${open ? "open" : "closed"}`} data-question={message.id} aria-label={`Question by ${message.author_name}`}>
      <Avatar name={message.author_name} kind={message.author_kind} />
      <div class="body">
        <Byline message={message} />
        <div class="card">
          <Markdown id={id} text={message.content} />
          {open ? <Ways labelId={id} message={message} question={question} pending={pending} onAnswer={onAnswer} /> : <Outcome question={question} />}
          {pending?.error && <Problem error={pending.error} open={open} />}
          {open && <Terms question={question} />}
          {open && <AskerAway live={live} askerId={message.author_id} name={message.author_name} />}
        </div>
      </div>
    </article>
  );
}

/** The ways to answer: a button a choice, or a text. */
function Ways({ labelId, message, question, pending, onAnswer }: Omit<Props, "live"> & { labelId: string }) {
  const busy = pending !== undefined && pending.state !== "failed";
  if (question.choices) {
    return (
      <div class="choices">
        {question.choices.map((choice) => (
          <button
            key={choice}
            class={busy && pending.frame.type === "answer" && pending.frame.value === choice ? "choice taken" : "choice"}
            disabled={busy}
            onClick={(event) => {
              leave(event.currentTarget);
              onAnswer(choice);
            }}
          >
            {choice}
          </button>
        ))}
      </div>
    );
  }
  return <FreeAnswer labelId={labelId} messageId={message.id} busy={busy} onAnswer={onAnswer} />;
}

interface FreeAnswerProps {
  labelId: string;
  messageId: string;
  busy: boolean;
  onAnswer: (value: string) => void;
}

function FreeAnswer({ labelId, messageId, busy, onAnswer }: FreeAnswerProps) {
  const [text, setText] = useState(() => draft(messageId));
  const answer = (from: HTMLElement) => {
    if (!text.trim() || busy) return;
    leave(from);
    keepDraft(messageId, "");
    onAnswer(text.trim());
  };
  return (
    <div class="answer">
      <textarea
        rows={1}
        aria-labelledby={labelId}
        placeholder="Your answer"
        value={text}
        disabled={busy}
        onInput={(event) => {
          setText(event.currentTarget.value);
          keepDraft(messageId, event.currentTarget.value);
        }}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          answer(event.currentTarget);
        }}
      />
      <button
        class="primary"
        disabled={busy || !text.trim()}
        onClick={(event) => {
          answer(event.currentTarget);
        }}
      >
        Answer
      </button>
    </div>
  );
}

/** The control that was used goes: who got to it by keyboard goes on from the log, not from the top of the page. */
function leave(control: HTMLElement): void {
  const root = control.getRootNode() as ShadowRoot;
  if (root.activeElement === control) control.closest<HTMLElement>(".log")?.focus({ preventScroll: true });
}

function Outcome({ question }: { question: Question }) {
  const { text, value, mark } = ending(question, question.closing);
  const at = question.closing?.at;
  return (
    <p class="outcome">
      <span class="mark" aria-hidden="true">
        {mark}
      </span>
      <span>
        {text} {value !== undefined && <strong>{value}</strong>}
      </span>
      {at && (
        <time dateTime={at} title={fullTimeOf(at)}>
          {timeOf(at)}
        </time>
      )}
    </p>
  );
}

function Problem({ error, open }: { error: ErrorBody; open: boolean }) {
  const taken = error.code === "already_closed";
  return (
    <p class={taken ? "note" : "note problem"} role="status">
      {taken ? `Already answered by ${error.by_name ?? "somebody else"}${open ? "" : "; your answer came after."}` : error.message}
    </p>
  );
}

/** For whom it is, how long it stands, and what happens if nobody answers. */
function Terms({ question }: { question: Question }) {
  const parts: string[] = [];
  if (question.to?.length) parts.push(`for ${question.to.join(", ")}`);
  const otherwise = question.default === undefined ? undefined : `otherwise: ${valueText(question.default)}`;
  const at = question.deadline_at;
  if (at) parts.push(otherwise ? `${otherwise} at ${timeOf(at)}` : `until ${timeOf(at)}`);
  else if (otherwise) parts.push(otherwise);
  if (parts.length === 0) return null;
  return (
    <p class="terms">
      {parts.join(" · ")}
      {at && <Countdown at={at} />}
    </p>
  );
}

function Countdown({ at }: { at: string }) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => {
      setNow(Date.now());
    }, 1000);
    return () => {
      clearInterval(timer);
    };
  }, []);
  const left = new Date(at).getTime() - now;
  // A screen reader that listens to the log would read it out every second.
  return (
    <span class={left < 60_000 ? "countdown soon" : "countdown"} role="timer" aria-live="off">
      {left > 0 ? `${timeLeft(left)} left` : "time is up"}
    </span>
  );
}
