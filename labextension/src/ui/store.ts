/** The conversation as this page knows it: a pure function of what the hub said. */

import type { Closing, Message, MessageDeleted, MessagesReply, MessageUpdated, NewMessage, Question, Signal } from "../protocol";

export interface Log {
  epoch: string;
  /** In seq order. Below `oldest` stand only open questions, which are shown however old they are. */
  messages: readonly Message[];
  /** The newest seq that was seen, of messages and their updates alike: where a reconnect resumes. */
  cursor: number;
  /** From here on nothing is missing. */
  oldest: number;
  hasOlder: boolean;
  /**
   * The last closing of each question, also of those that are not here yet: a page that was read before its question closed may
   * come late. One that took an answer back counts too.
   */
  closings: Readonly<Record<string, { seq: number; closing: Closing }>>;
}

export type LogFrame = NewMessage | MessageUpdated | MessageDeleted;

/** The newest page, with which a log begins. */
export function begin(page: MessagesReply): Log {
  const empty: Log = {
    epoch: page.epoch,
    messages: [],
    cursor: page.last_seq,
    oldest: page.messages[0]?.seq ?? page.last_seq,
    hasOlder: page.has_more,
    closings: {},
  };
  return merge(empty, page.messages);
}

/** The page before the oldest. */
export function addOlder(log: Log, page: MessagesReply): Log {
  const oldest = page.messages[0]?.seq ?? log.oldest;
  return { ...merge(log, page.messages), oldest, hasOlder: page.has_more };
}

/** Messages from outside the order of the log: open questions, however old. */
export function merge(log: Log, messages: readonly Message[]): Log {
  const closings = { ...log.closings };
  for (const message of messages) {
    const { seq, closes: closing } = message;
    if (closing && seq >= (closings[closing.question_id]?.seq ?? 0)) closings[closing.question_id] = { seq, closing };
  }
  const byId = new Map(log.messages.map((message) => [message.id, message]));
  for (const message of messages) byId.set(message.id, message);
  const sorted = [...byId.values()].sort((one, other) => one.seq - other.seq);
  return { ...log, closings, messages: sorted.map((message) => closed(message, closings)) };
}

/** Has something been lost between what was seen and this frame? */
export function leavesGap(log: Log, frame: LogFrame): boolean {
  if (frame.type !== "new_message" || frame.message.prev_seq === undefined) return false;
  return frame.message.prev_seq > log.cursor;
}

export function apply(log: Log, frame: LogFrame): Log {
  const seq = frame.type === "new_message" ? frame.message.seq : frame.seq;
  const seen = { ...log, cursor: Math.max(log.cursor, seq) };
  switch (frame.type) {
    case "new_message":
      return seq <= log.cursor ? log : merge(seen, [frame.message]);
    case "message_updated":
      // One that is not shown stays away: "load earlier" brings it in its newest form. But an open question may be for us now.
      return has(log, frame.message.id) || isOpenQuestion(frame.message) ? merge(seen, [frame.message]) : seen;
    case "message_deleted":
      return { ...seen, messages: log.messages.map((message) => deleted(message, frame.message_id)) };
  }
}

function has(log: Log, id: string): boolean {
  return log.messages.some((message) => message.id === id);
}

/** The question as its last closing leaves it, unless what we were told of it is newer than that. */
function closed(message: Message, closings: Log["closings"]): Message {
  const closing = closings[message.id]?.closing;
  const { question } = message;
  if (!closing || !question) return message;
  if (closing.outcome !== "reopened") {
    if (question.state !== "open") return message;
    return { ...message, question: { ...question, state: closing.outcome, closing } };
  }
  if (question.state === "open" || (question.closing?.at ?? "") > (closing.at ?? "")) return message;
  const open: Question = { ...question, state: "open" };
  Reflect.deleteProperty(open, "closing");
  if (open.votes) open.votes = open.votes.filter((vote) => vote.by_id !== closing.by_id);
  return { ...message, question: open };
}

function deleted(message: Message, id: string): Message {
  if (message.id !== id) return message;
  return { ...message, content: "", deleted_at: message.deleted_at ?? new Date().toISOString() };
}

/** A streamed text that comes later than its message. */
export function isPosted(log: Log | undefined, { kind, participant_id: authorId, data }: Signal): boolean {
  if (kind !== "stream" || !log) return false;
  return log.messages.some((message) => message.client_id === data["id"] && message.author_id === authorId);
}

export function isOpenQuestion(message: Message): boolean {
  return message.question?.state === "open" && message.deleted_at === undefined;
}
