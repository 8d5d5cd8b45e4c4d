/** The log as it is drawn: questions that are answered in one go are one inbox, at the place of the first. Pure functions. */

import type { Batch, Closing, Message } from "../protocol";
import * as box from "./outbox";
import { isOpenQuestion } from "./store";

export interface Inbox {
  /** Tells inboxes apart, also two runs of one batch. */
  key: string;
  name: string;
  /** In the order in which they are to be answered. */
  items: readonly Message[];
  total: number;
  /** Of `total`, how many are closed, of which the page need not hold the oldest. */
  closed: number;
}

export interface Row {
  message: Message;
  /** What stands in place of the message. */
  inbox?: Inbox;
}

/** One run of a batch while it is gathered. */
interface Run {
  place: number;
  key: string;
  name: string;
  items: Message[];
  indexes: Set<number>;
  total: number;
  open: number;
  /** When the last one that is closed was closed. */
  closedAt: string;
}

/** What is drawn, in order. Of a batch nothing but its inbox is: no other question, no closing. */
export function rowsOf(messages: readonly Message[]): Row[] {
  const rows: Row[] = [];
  const runs = new Map<string, Run[]>();
  const questions = new Set<string>();
  for (const message of messages) {
    const batch = message.question?.batch;
    if (batch) {
      questions.add(message.id);
      if (message.deleted_at === undefined) gather(message, batch, rows, runs);
    } else if (!(message.closes && isOfBatch(message.closes, questions))) {
      rows.push({ message });
    }
  }
  for (const run of [...runs.values()].flat()) {
    const row = rows[run.place];
    if (row) row.inbox = inboxOf(run);
  }
  return rows;
}

function isOfBatch(closing: Closing, questions: ReadonlySet<string>): boolean {
  return closing.batch_id !== undefined || questions.has(closing.question_id);
}

function gather(message: Message, batch: Batch, rows: Row[], runs: Map<string, Run[]>): void {
  const key = `${message.author_id} ${batch.id}`;
  const known = runs.get(key) ?? [];
  runs.set(key, known);
  let run = known.at(-1);
  // Asked anew after all of it was answered, under the same name: another inbox.
  const isOver = run?.open === 0 && run.closedAt <= message.created_at && run.indexes.has(batch.index);
  if (!run || isOver) {
    run = { place: rows.length, key: `${key} ${known.length}`, name: batch.name ?? "", items: [], indexes: new Set(), total: 0, open: 0, closedAt: "" };
    known.push(run);
    rows.push({ message });
  }
  run.items.push(message);
  run.indexes.add(batch.index);
  // Who asks row by row does not know yet how many there will be.
  run.total = Math.max(run.total, batch.total, batch.index + 1);
  if (isOpenQuestion(message)) run.open += 1;
  else if ((message.question?.closing?.at ?? "") > run.closedAt) run.closedAt = message.question?.closing?.at ?? "";
}

function inboxOf({ key, name, items, indexes, total, open }: Run): Inbox {
  let asked = 0;
  for (const index of indexes) asked = Math.max(asked, index + 1);
  const sorted = items.sort((one, other) => indexOf(one) - indexOf(other) || one.seq - other.seq);
  return { key, name, items: sorted, total, closed: Math.max(0, asked - open) };
}

export function indexOf(message: Message): number {
  return message.question?.batch?.index ?? 0;
}

/** What an inbox still asks of this human: open, and no answer of theirs on its way. */
export function waiting({ items }: Inbox, outbox: box.Outbox): Message[] {
  const answered = underWay(outbox);
  return items.filter((item) => isOpenQuestion(item) && !answered.has(item.id));
}

function underWay(outbox: box.Outbox): Set<string> {
  return new Set(outbox.flatMap(({ frame, state }) => (frame.type === "answer" && state !== "failed" ? [frame.message_id] : [])));
}

/** The answer that this human gave last: it may be on its way. */
export function lastOwn({ items }: Inbox, outbox: box.Outbox, me: string | undefined): Message | undefined {
  const sent = outbox.findLast(({ frame, state }) => frame.type === "answer" && state !== "failed" && items.some(({ id }) => id === frame.message_id));
  if (sent?.frame.type === "answer") {
    const { message_id: id } = sent.frame;
    return items.find((item) => item.id === id);
  }
  let last: Message | undefined;
  const at = (message: Message | undefined) => message?.question?.closing?.at ?? "";
  for (const item of items) {
    if (me !== undefined && item.question?.closing?.by_id === me && at(item) >= at(last)) last = item;
  }
  return last;
}

/** The one to go on with, from `id`: it itself, the next after it, or else the first. */
export function following(inbox: Inbox, open: readonly Message[], id: string | undefined): Message | undefined {
  const from = id === undefined ? -1 : inbox.items.findIndex((item) => item.id === id);
  if (from < 0) return open[0];
  const place = new Map(inbox.items.map((item, at) => [item.id, at]));
  return open.find((item) => (place.get(item.id) ?? 0) >= from) ?? open[0];
}
