/** For whom a question is, what was done to get an answer, how long it stands, and what happens if nobody answers. */

import { useEffect, useState } from "preact/hooks";

import type { Message, Question } from "../protocol";
import { answerText, timeLeft, whenOf } from "./format";

export function Terms({ message, question }: { message: Message; question: Question }) {
  const parts = termsOf(message, question);
  const at = question.deadline_at;
  if (parts.length === 0) return null;
  return (
    <p class="terms">
      {parts.map((part, place) => (
        <span key={place}>
          {part}
          {place < parts.length - 1 && " ·"}{" "}
        </span>
      ))}
      {at && <Countdown at={at} />}
    </p>
  );
}

function termsOf(message: Message, question: Question): string[] {
  const parts: string[] = [];
  if (question.to?.length) parts.push(`for ${question.to.join(", ")}`);
  const { quorum = 1, reminded = 0, reminded_at: remindedAt, escalate = [] } = question;
  if (quorum > 1 && !question.votes?.length) parts.push(`${quorum} must give the same answer`);
  if (reminded > 0) {
    parts.push(`reminded ${reminded === 1 ? "once" : `${reminded} times`}${remindedAt ? `, last at ${whenOf(remindedAt)}` : ""}`);
  }
  for (const { after, to, at } of escalate) {
    const due = new Date(Date.parse(message.created_at) + after * 1000).toISOString();
    parts.push(at ? `put to ${to} as well at ${whenOf(at)}` : `goes to ${to} as well at ${whenOf(due)}`);
  }
  const otherwise = question.default === undefined ? undefined : `otherwise: ${answerText(question, question.default)}`;
  const at = question.deadline_at;
  if (at) parts.push(otherwise ? `${otherwise} at ${whenOf(at)}` : `until ${whenOf(at)}`);
  else if (otherwise) parts.push(otherwise);
  return parts;
}

/** Who has answered so far, where several must give the same answer. */
export function Votes({ question }: { question: Question }) {
  const { votes = [], quorum = 1 } = question;
  if (votes.length === 0 || question.state !== "open") return null;
  const said = votes.map((vote) => `${vote.by_name} ${question.choices && !question.multiple ? "chose" : "said"} ${answerText(question, vote.value)}`);
  return (
    <p class="terms" role="status">
      {votes.length} of {quorum} answered{votes.length >= quorum ? ", but not the same" : ""}: {said.join(", ")}
    </p>
  );
}

/** The time, whenever it has moved on by so much. */
export function useTime(milliseconds: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => {
      setNow(Date.now());
    }, milliseconds);
    return () => {
      clearInterval(timer);
    };
  }, [milliseconds]);
  return now;
}

function Countdown({ at }: { at: string }) {
  const left = new Date(at).getTime() - useTime(1000);
  // A screen reader that listens to the log would read it out every second.
  return (
    <span class={left < 60_000 ? "countdown soon" : "countdown"} role="timer" aria-live="off">
      {left > 0 ? `${timeLeft(left)} left` : "time is up"}
    </span>
  );
}
