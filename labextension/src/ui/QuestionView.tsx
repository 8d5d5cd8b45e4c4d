import { useContext, useEffect, useRef, useState } from "preact/hooks";

import type { ErrorBody, Message, Question, Vote } from "../protocol";
import { Arguments } from "./ApprovalView";
import { Avatar, Byline, Markdown } from "./MessageView";
import { More, Snoozed, useAttempt } from "./More";
import { AskerAway, useNow } from "./Now";
import { Parts } from "./Parts";
import { Terms, Votes } from "./Terms";
import { Ways } from "./Ways";
import type { Conversation, Snapshot } from "./conversation";
import { agree, decisionOf, plainText } from "./decision";
import { ending, fullTimeOf, timeOf } from "./format";
import { askAgain, loadParts } from "./handling";
import { answerTo } from "./outbox";
import { draft } from "./shared";
import { Via } from "./via";

interface Props {
  message: Message;
  question: Question;
  conversation: Conversation;
  snapshot: Snapshot;
}

/** A question in the log: a card under its asker's name. */
export function QuestionView(props: Props) {
  const { message, question, conversation, snapshot } = props;
  const open = question.state === "open";
  const until = useSnoozed(open ? snapshot.snoozed[message.id] : undefined);
  const state = until ? "put-off" : open ? "open" : "closed";
  return (
    <article class={`question ${state}`} data-question={message.id} aria-label={`Question by ${message.author_name}`}>
      <Avatar name={message.author_name} kind={message.author_kind} />
      <div class="body">
        <Byline message={message} />
        {until ? <Snoozed message={message} conversation={conversation} until={until} /> : <QuestionCard {...props} />}
      </div>
    </article>
  );
}

/** Until when the reader has put it off, if that time has not come yet. */
function useSnoozed(until: string | undefined): string | undefined {
  const [, redraw] = useState({});
  const left = until === undefined ? 0 : Date.parse(until) - Date.now();
  useEffect(() => {
    if (left <= 0) return;
    // A browser's timer holds 2^31 milliseconds at most.
    const timer = setTimeout(redraw, Math.min(left + 50, 2 ** 31 - 1), {});
    return () => {
      clearTimeout(timer);
    };
  }, [until]);
  return left > 0 ? until : undefined;
}

/** What is asked, what is shown beside it, and the ways to answer or how it ended. */
export function QuestionCard({ message, question, conversation, snapshot }: Props) {
  const via = useContext(Via);
  const pending = answerTo(snapshot.outbox, message.id);
  const open = question.state === "open";
  // An owner of the channel may hand on what others do not answer (`handing.hand_on`).
  const owns = useNow(conversation.live, (now) => snapshot.me !== undefined && now.people.get(snapshot.me.id)?.role === "owner");
  const firstSeen = useRef(question.digest);
  const bare = snapshot.bare.has(message.id);
  const mine = useMayAnswer(conversation, question, message, snapshot.me?.id);
  // Of the question, not of the component: useId starts anew in each panel, and the label of another question would be found.
  const id = `question-${message.id}`;
  return (
    <div class="card">
      <Markdown id={id} text={message.content} />
      <ActionName message={message} question={question} />
      {bare ? <Missing id={message.id} conversation={conversation} /> : <Parts parts={message.parts} />}
      {open && question.digest !== firstSeen.current && (
        <p class="note changed" role="status">
          {message.author_name} has changed what is asked or shown here since you saw it first.
        </p>
      )}
      {!open && <Outcome message={message} question={question} conversation={conversation} />}
      {!open && <Begun text={draft(message.id).trim()} />}
      {open && mine && !bare && (
        <Ways
          // A vote that came back is the new beginning of a form.
          key={ownVote(question, snapshot.me?.id)?.at}
          labelId={id}
          message={message}
          question={question}
          pending={pending}
          vote={ownVote(question, snapshot.me?.id)?.value}
          onAnswer={(value) => {
            conversation.answer(message, value, via);
          }}
        />
      )}
      {open && !mine && question.approval && <Arguments values={question.approval.arguments ?? {}} />}
      {pending?.error && <Problem error={pending.error} open={open} />}
      <Votes question={question} />
      {open && <Terms message={message} question={question} />}
      {open && <AskerAway live={conversation.live} askerId={message.author_id} name={message.author_name} />}
      {open && (mine || (owns && snapshot.me?.id !== message.author_id)) && <More message={message} conversation={conversation} me={snapshot.me?.id} asked={mine} />}
    </div>
  );
}

/** What is shown has yet to come: nobody should decide without it. */
function Missing({ id, conversation }: { id: string; conversation: Conversation }) {
  const { problem, busy, attempt } = useAttempt();
  const load = () => {
    attempt(loadParts(conversation, id));
  };
  useEffect(load, [id]);
  return (
    <p class="note" role="status">
      {problem ?? "What is shown with this question is being loaded…"}
      {problem && (
        <button class="quiet" disabled={busy} onClick={load}>
          Retry
        </button>
      )}
    </p>
  );
}

/** What the reader had typed when the question closed: it took thought, and nobody else has it. */
function Begun({ text }: { text: string }) {
  return text ? (
    <p class="note begun">
      You had begun to write: <q>{text}</q>
    </p>
  ) : null;
}

function ownVote({ votes }: Question, me: string | undefined): Vote | undefined {
  return votes?.find((vote) => vote.by_id === me);
}

/** Whether the reader is among those asked, as far as we know: the hub's word is the last (`rules.check_may_answer`). */
function useMayAnswer(conversation: Conversation, question: Question, message: Message, me: string | undefined): boolean {
  const person = useNow(conversation.live, (now) => (me === undefined ? undefined : now.people.get(me)));
  if (me === message.author_id) return false;
  if (!person) return true;
  if (person.role === "observer") return false;
  if (!question.to?.length) return true;
  const asked = question.to.map((who) => who.replace(/^@/, "").toLowerCase());
  return asked.includes(person.name.toLowerCase()) || asked.includes(person.role);
}

/** What an approval is about, if its words do not say so. */
function ActionName({ message, question: { approval } }: { message: Message; question: Question }) {
  if (!approval || message.content.includes(approval.action)) return null;
  return (
    <p class="hint">
      Action: <code>{plainText(approval.action)}</code>
    </p>
  );
}

function Outcome({ message, question, conversation }: Omit<Props, "snapshot">) {
  const { text, value: line, mark } = ending(question, question.closing);
  const at = question.closing?.at;
  const decision = question.kind === "approval" ? decisionOf(question.closing?.value) : undefined;
  const form = decision ? undefined : fieldsOf(question.closing?.value);
  const value = form ? undefined : line;
  return (
    <>
      {question.approval && <Arguments values={question.approval.arguments ?? {}} edited={decision?.arguments ?? {}} />}
      <p class={decision?.approved === false ? "outcome rejected" : "outcome"}>
        <span class={mark === "–" ? "mark none" : "mark"} aria-hidden="true">
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
      {form && <Arguments values={form} />}
      <Agreed question={question} />
      {decision?.approved && (decision.always === true || question.closing?.source?.startsWith("always ")) && (
        <Standing message={message} conversation={conversation} />
      )}
    </>
  );
}

/** Who gave the answer that was needed more than once. */
function Agreed({ question: { quorum = 1, votes = [], closing } }: { question: Question }) {
  if (quorum === 1 || closing?.value === undefined) return null;
  const names = new Set(votes.filter(({ value }) => agree(value, closing.value)).map((vote) => vote.by_name));
  if (closing.by_name) names.add(closing.by_name);
  return names.size > 1 ? <p class="terms">{[...names].join(", ")} agreed</p> : null;
}

/** What was filled in, if it was a form. */
function fieldsOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
}

/** The action is approved once for all: until somebody takes that back. */
function Standing({ message, conversation }: { message: Message; conversation: Conversation }) {
  const { problem, busy, attempt } = useAttempt();
  const [told, setTold] = useState<string>();
  return (
    <p class="note" role="status">
      {told ?? (
        <button
          class="quiet"
          disabled={busy}
          onClick={() => {
            attempt(
              askAgain(conversation, message).then((stood) => {
                setTold(stood ? "The next time it is asked for again." : "This was taken back already: it is asked for again.");
              }),
            );
          }}
        >
          Ask again next time
        </button>
      )}
      {problem && <span class="problem">{problem}</span>}
    </p>
  );
}

function Problem({ error, open }: { error: ErrorBody; open: boolean }) {
  const taken = error.code === "already_closed";
  // What is wrong with a field stands at the field.
  const isMarked = open && Object.keys(error.problems ?? {}).some(Boolean);
  return (
    <p class={taken ? "note" : "note problem"} role="status">
      {taken
        ? `Already answered by ${error.by_name ?? "somebody else"}${open ? "" : "; your answer came after."}`
        : isMarked
          ? "Not accepted: see what is marked."
          : error.message}
    </p>
  );
}
