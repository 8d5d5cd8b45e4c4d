import assert from "node:assert/strict";
import { test } from "node:test";

import type { Closing, Message, Question } from "../src/protocol";
import { following, lastOwn, rowsOf, waiting, type Inbox } from "../src/ui/batches";
import { add, answerFrame, fail, type Outbox } from "../src/ui/outbox";
import { apply, begin, merge, type Log } from "../src/ui/store";
import { message, page, question } from "./hub";

function at(seq: number): string {
  return new Date(Date.parse("2026-11-21T06:00:00.000Z") + seq * 1000).toISOString();
}

function item(seq: number, index: number, total = 10, more: Partial<Question> = {}): Message {
  const asked: Question = { key: `k${index}`, state: "open", choices: ["yes", "no"], batch: { id: "b", index, total, name: "Labels" }, ...more };
  return message(seq, { created_at: at(seq), question: asked });
}

function closing(seq: number, of: number, more: Partial<Closing> = {}): Message {
  const closes: Closing = { question_id: `msg_${of}`, outcome: "answered", value: "yes", by_id: "hu_ada", by_name: "Ada", at: at(seq), batch_id: "b", ...more };
  return message(seq, { author_id: "hu_ada", author_kind: "human", created_at: at(seq), closes });
}

function log(...messages: Message[]): Log {
  return begin(page(messages));
}

function inboxes({ messages }: Log): Inbox[] {
  return rowsOf(messages).flatMap(({ inbox }) => (inbox ? [inbox] : []));
}

function only(of: Log): Inbox {
  const [inbox, ...others] = inboxes(of);
  assert.ok(inbox);
  assert.equal(others.length, 0);
  return inbox;
}

test("a batch is one row at the place of its first question, and its closings are no rows", () => {
  const rows = rowsOf(log(message(1), item(2, 0), item(3, 1), message(4), closing(5, 2), item(6, 2), question(7)).messages);
  assert.deepEqual(rows.map(({ message: { seq } }) => seq), [1, 2, 4, 7]);
  assert.deepEqual(rows.map(({ inbox }) => inbox?.items.length), [undefined, 3, undefined, undefined]);
});

test("a closing says by itself that it is of a batch; one of a question that is not here is drawn otherwise", () => {
  const rows = rowsOf(log(closing(5, 1), closing(6, 2, { batch_id: undefined as never }), item(7, 9)).messages);
  assert.deepEqual(rows.map(({ message: { seq } }) => seq), [6, 7]);
});

test("progress counts what is closed, also what is too far back to be here", () => {
  const inbox = only(log(item(50, 40, 200), item(51, 41, 200), item(52, 39, 200), closing(53, 50)));
  assert.deepEqual([inbox.closed, inbox.total, inbox.items.map(({ seq }) => seq)], [40, 200, [52, 50, 51]]);
});

test("who asks row by row does not know how many there will be: the most that is known counts", () => {
  assert.equal(only(log(item(1, 0, 1), item(2, 1, 2), item(3, 2, 3))).total, 3);
});

test("two agents, two batches, and a batch asked anew are inboxes of their own", () => {
  const other = message(2, { author_id: "ag_other", question: { key: "k", state: "open", batch: { id: "b", index: 0, total: 1 } } });
  assert.equal(inboxes(log(item(1, 0), other)).length, 2);
  const first = [item(1, 0, 2), item(2, 1, 2), closing(3, 1), closing(4, 2)];
  const anew = log(...first, item(5, 0, 2), item(6, 1, 2));
  assert.deepEqual(inboxes(anew).map(({ items, closed }) => [items.length, closed]), [[2, 2], [2, 0]]);
  const resumed = log(item(1, 0, 2), closing(3, 1), item(4, 1, 2), item(5, 0, 2));
  assert.equal(inboxes(resumed).length, 1, "a row that was put in front, while others are open");
});

test("what is asked next is the next that is open, then the first again, and not what is on its way", () => {
  const inbox = only(log(item(1, 0), item(2, 1), item(3, 2), item(4, 3)));
  const outbox = add([], answerFrame(item(2, 1), "yes", "page", "c_1"));
  const open = waiting(inbox, outbox);
  assert.deepEqual(open.map(({ seq }) => seq), [1, 3, 4]);
  assert.equal(following(inbox, open, undefined)?.seq, 1);
  assert.equal(following(inbox, open, "msg_2")?.seq, 3);
  assert.equal(following(inbox, open.slice(0, 1), "msg_4")?.seq, 1);
  assert.equal(following(inbox, [], "msg_4"), undefined);
  const refused = fail(outbox, "c_1", { code: "invalid_answer", message: "No." });
  assert.deepEqual(waiting(inbox, refused).map(({ seq }) => seq), [1, 2, 3, 4], "a refusal brings it back");
});

test("the last own answer is the one on its way, else the newest that is this human's", () => {
  const closed = log(item(1, 0), item(2, 1), item(3, 2), item(4, 3), closing(5, 2), closing(6, 1), closing(7, 3, { by_id: "hu_eve" }));
  const sent: Outbox = add([], answerFrame(item(4, 3), "yes", "page", "c_1"));
  assert.equal(lastOwn(only(closed), [], "hu_ada")?.seq, 1);
  assert.equal(lastOwn(only(closed), sent, "hu_ada")?.seq, 4);
  assert.equal(lastOwn(only(closed), [], "hu_gil"), undefined);
  const reopened = merge(closed, [closing(8, 1, { outcome: "reopened" })]);
  assert.deepEqual([only(reopened).closed, lastOwn(only(reopened), [], "hu_ada")?.seq], [2 + 0, 2]);
});

test("a thousand questions that come one by one are drawn a thousand times in a moment", () => {
  const started = performance.now();
  let grown = log(message(1));
  for (let index = 0; index < 1000; index += 1) {
    grown = apply(grown, { type: "new_message", message: { ...item(index + 2, index, 1000), prev_seq: index + 1 } });
    rowsOf(grown.messages);
  }
  const loaded = merge(log(message(1)), Array.from({ length: 1000 }, (_, index) => item(index + 2, index, 1000)));
  assert.deepEqual([only(grown).items.length, only(loaded).items.length], [1000, 1000]);
  console.log(`# 1,000 questions one by one: ${Math.round(performance.now() - started)} ms`);
});
