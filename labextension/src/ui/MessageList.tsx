import { useMemo, useRef } from "preact/hooks";

import type { Message } from "../protocol";
import { BatchView } from "./Batch";
import { Drafts } from "./Drafts";
import { DayBreak, MessageView } from "./MessageView";
import { PendingView } from "./PendingView";
import { QuestionView } from "./QuestionView";
import { RunView, runOf } from "./RunView";
import { rowsOf, type Row } from "./batches";
import type { Conversation, Snapshot } from "./conversation";
import { useKeptFocus } from "./focus";
import { ending, lineOf, timeOf } from "./format";
import { go, useAnchor, useReading } from "./reading";
import { useSettling } from "./settling";
import type { Log } from "./store";

interface Props {
  conversation: Conversation;
  snapshot: Snapshot & { log: Log };
  channelName: string;
}

export function MessageList({ conversation, snapshot, channelName }: Props) {
  const { log, outbox } = snapshot;
  const region = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const { elsewhere, look, follow } = useReading(region, content, {
    log,
    unsent: outbox.length,
    onSeen: () => {
      conversation.seen();
    },
  });
  useAnchor(region, log);
  useSettling(region, content, log);
  useKeptFocus(region, log);
  const rows = useMemo(() => rowsOf(log.messages), [log.messages]);
  const byId = useMemo(() => new Map(log.messages.map((message) => [message.id, message])), [log.messages]);
  // The first that is drawn of what is here without a gap; if all of that is within an inbox further up, the first of all.
  const first = rows.find(({ message }) => message.seq >= log.oldest) ?? rows[0];
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
          // Who went up to an old open question reads it: what comes in below it would push them away.
          if (event.currentTarget.scrollTop < 8 && rows[0] === first) void conversation.loadOlder();
        }}
      >
        <div ref={content} class="content">
          {log.messages.length === 0 && outbox.length === 0 && <Empty />}
          {rows.map((row, place) => {
            const { message } = row;
            const before = rows[place - 1]?.message;
            return (
              <div key={row.inbox?.key ?? message.id} class="entry">
                {row === first && log.hasOlder && <Older conversation={conversation} busy={snapshot.loadingOlder} />}
                {startsDay(message, before) && <DayBreak at={message.created_at} />}
                <Entry row={row} before={before} byId={byId} conversation={conversation} snapshot={snapshot} />
              </div>
            );
          })}
          <Drafts live={conversation.live} last={followable(rows.at(-1)?.message)} onGrown={follow} />
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
            if (region.current) go(elsewhere, region.current);
          }}
        >
          {elsewhere}
        </button>
      )}
    </div>
  );
}

interface EntryProps {
  row: Row;
  before: Message | undefined;
  byId: ReadonlyMap<string, Message>;
  conversation: Conversation;
  snapshot: Snapshot;
}

function Entry({ row, before, byId, conversation, snapshot }: EntryProps) {
  const { message, inbox } = row;
  if (inbox) return <BatchView inbox={inbox} conversation={conversation} snapshot={snapshot} />;
  if (message.question && !message.deleted_at) {
    return (
      <QuestionView
        message={message}
        question={message.question}
        conversation={conversation}
        snapshot={snapshot}
      />
    );
  }
  if (message.closes) return <ClosingLine message={message} before={before} question={byId.get(message.closes.question_id)} />;
  const run = message.deleted_at ? undefined : runOf(message);
  if (run) return <RunView message={message} run={run} />;
  const follows = followable(before)?.author_id === message.author_id && !startsDay(message, before);
  return <MessageView message={message} own={message.author_id === snapshot.me?.id} follows={follows} />;
}

/** A message, if what its author says next stands below it without saying the name again. */
function followable(message: Message | undefined): Message | undefined {
  return !message || message.closes || message.question || runOf(message) ? undefined : message;
}

/** The answer's own place in the log, with what it answers: it may stand below another question. Right below its own it would only repeat what the card says. */
function ClosingLine({ message, before, question }: { message: Message; before: Message | undefined; question: Message | undefined }) {
  if (question && question === before) return null;
  const { text, value } = ending(question?.question ?? { key: "", state: "answered" }, message.closes);
  return (
    <p class="closing">
      {question && <q>{lineOf(question.content)}</q>} {text} {value !== undefined && <strong>{value}</strong>} <time dateTime={message.created_at}>{timeOf(message.created_at)}</time>
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
