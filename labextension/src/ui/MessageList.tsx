import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import type { Message } from "../protocol";
import { DayBreak, MessageView } from "./MessageView";
import { PendingView } from "./PendingView";
import { QuestionView } from "./QuestionView";
import type { Conversation, Snapshot } from "./conversation";
import { ending, timeOf } from "./format";
import { answerTo } from "./outbox";
import { isOpenQuestion, type Log } from "./store";

interface Props {
  conversation: Conversation;
  snapshot: Snapshot & { log: Log };
  channelName: string;
}

type Ref = RefObject<HTMLDivElement>;
/** What is out of sight, as the button that leads there says it. */
type Elsewhere = "Open question" | "Newest messages";

/** Closer to the end than this is at the end. */
const NEAR = 40;

export function MessageList({ conversation, snapshot, channelName }: Props) {
  const { log, outbox } = snapshot;
  const region = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const [elsewhere, look] = useReading(region, content, snapshot);
  useAnchor(region, log);
  const first = log.messages.find((message) => message.seq >= log.oldest);
  return (
    <div class="scroller">
      <div
        ref={region}
        class="log"
        role="log"
        aria-label={channelName}
        tabIndex={0}
        onScroll={(event) => {
          look();
          if (event.currentTarget.scrollTop < 8) void conversation.loadOlder();
        }}
      >
        <div ref={content} class="content">
          {log.messages.length === 0 && outbox.length === 0 && <Empty />}
          {log.messages.map((message, place) => {
            const before = log.messages[place - 1];
            return (
              <div key={message.id} class="entry">
                {message === first && log.hasOlder && <Older conversation={conversation} busy={snapshot.loadingOlder} />}
                {startsDay(message, before) && <DayBreak at={message.created_at} />}
                <Entry message={message} before={before} conversation={conversation} snapshot={snapshot} />
              </div>
            );
          })}
          {outbox.map((entry) =>
            entry.frame.type === "send_message" ? (
              <PendingView key={entry.frame.client_id} entry={entry} conversation={conversation} connection={snapshot.connection} />
            ) : null,
          )}
        </div>
      </div>
      {elsewhere && (
        <button
          class="jump"
          onClick={() => {
            go(elsewhere, region.current);
          }}
        >
          {elsewhere}
        </button>
      )}
    </div>
  );
}

function Entry({ message, before, conversation, snapshot }: {
  message: Message;
  before: Message | undefined;
  conversation: Conversation;
  snapshot: Snapshot & { log: Log };
}) {
  if (message.question && !message.deleted_at) {
    return (
      <QuestionView
        message={message}
        question={message.question}
        pending={answerTo(snapshot.outbox, message.id)}
        onAnswer={(value) => {
          conversation.answer(message, value);
        }}
      />
    );
  }
  if (message.closes) return <ClosingLine message={message} before={before} log={snapshot.log} />;
  const follows = before?.author_id === message.author_id && !before.closes && !before.question && !startsDay(message, before);
  return <MessageView message={message} own={message.author_id === snapshot.me?.id} follows={follows} />;
}

/** The answer's own place in the log. Right below its question it would only repeat what the card says. */
function ClosingLine({ message, before, log }: { message: Message; before: Message | undefined; log: Log }) {
  const question = log.messages.find((each) => each.id === message.closes?.question_id);
  if (question && question === before) return null;
  const { text, value } = ending(question?.question ?? { key: "", state: "answered" }, message.closes);
  return (
    <p class="closing">
      {text} {value !== undefined && <strong>{value}</strong>} <time dateTime={message.created_at}>{timeOf(message.created_at)}</time>
    </p>
  );
}

function Empty() {
  return (
    <p class="empty">
      <strong>Nothing here yet.</strong>
      What agents and people say in this channel will stand here.
    </p>
  );
}

function Older({ conversation, busy }: { conversation: Conversation; busy: boolean }) {
  return (
    <div class="older">
      <button class="quiet" disabled={busy} onClick={() => void conversation.loadOlder()}>
        {busy ? "Loading…" : "Load earlier messages"}
      </button>
    </div>
  );
}

function startsDay(message: Message, before: Message | undefined): boolean {
  const today = new Date().toDateString();
  const day = new Date(message.created_at).toDateString();
  if (!before) return day !== today;
  return day !== new Date(before.created_at).toDateString();
}

/** Keeps what is being read where it is when earlier messages come in above it. */
function useAnchor(region: Ref, log: Log): void {
  const last = useRef({ oldest: log.oldest, height: 0 });
  useLayoutEffect(() => {
    const element = region.current;
    if (!element) return;
    if (log.oldest < last.current.oldest) element.scrollTop += element.scrollHeight - last.current.height;
    last.current = { oldest: log.oldest, height: element.scrollHeight };
  });
}

/** Follows the end while the reader is there, and tells what is out of sight while not. It scrolls the log, never the page. */
function useReading(region: Ref, content: Ref, { log, outbox }: Snapshot & { log: Log }): [Elsewhere | undefined, () => void] {
  const atEnd = useRef(true);
  const [elsewhere, setElsewhere] = useState<Elsewhere>();
  const open = log.messages.findLast(isOpenQuestion)?.id;
  const look = () => {
    const element = region.current;
    if (!element) return;
    atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR;
    const card = open === undefined ? null : element.querySelector<HTMLElement>(`[data-question="${CSS.escape(open)}"]`);
    setElsewhere(card && isOutOfSight(card, element) ? "Open question" : atEnd.current ? undefined : "Newest messages");
  };
  useEffect(() => {
    if (!content.current || !region.current) return;
    // Images load, fonts come, cells are resized: the end moves without a message.
    const observer = new ResizeObserver(() => {
      if (atEnd.current) toEnd(region.current);
    });
    observer.observe(content.current);
    observer.observe(region.current);
    return () => {
      observer.disconnect();
    };
  }, []);
  useLayoutEffect(() => {
    // What came in has moved the end; whoever was there stays there.
    if (atEnd.current) toEnd(region.current);
    look();
  }, [log]);
  useEffect(() => {
    // Who has just said something wants to see it.
    if (outbox.length > 0) toEnd(region.current);
  }, [outbox.length]);
  return [elsewhere, look];
}

function toEnd(region: HTMLElement | null): void {
  if (region) region.scrollTop = region.scrollHeight;
}

function isOutOfSight(card: HTMLElement, region: HTMLElement): boolean {
  const [one, other] = [card.getBoundingClientRect(), region.getBoundingClientRect()];
  return one.bottom < other.top + NEAR || one.top > other.bottom - NEAR;
}

function go(where: Elsewhere, region: HTMLElement | null): void {
  const card = where === "Open question" ? [...(region?.querySelectorAll(".question.open") ?? [])].at(-1) : undefined;
  if (card && region) region.scrollTop += card.getBoundingClientRect().top - region.getBoundingClientRect().top - 8;
  else toEnd(region);
}
