import assert from "node:assert/strict";
import { test } from "node:test";

import { addOlder, apply, begin, leavesGap, merge } from "../src/ui/store";
import { closing, message, page, question } from "./hub";

function reopening(seq: number, of: number) {
  const closes = { question_id: `msg_${of}`, outcome: "reopened" as const, by_id: "hu_eve", at: "2026-11-21T06:30:00.000Z" };
  return closing(seq, of, { closes });
}

test("a message that comes twice is shown once", () => {
  const log = begin(page([message(1), message(2)]));
  const again = apply(log, { type: "new_message", message: message(2) });
  assert.deepEqual(
    apply(again, { type: "new_message", message: message(3) }).messages.map(({ seq }) => seq),
    [1, 2, 3],
  );
});

test("a closing message closes its question", () => {
  const log = apply(begin(page([question(1)])), { type: "new_message", message: closing(2, 1) });
  assert.equal(log.messages[0]?.question?.state, "answered");
  assert.equal(log.messages[0].question.closing?.by_name, "Eve");
});

test("a question that comes later than its closing is closed", () => {
  const log = merge(begin(page([closing(9, 1)])), [question(1)]);
  assert.equal(log.messages[0]?.question?.state, "answered");
});

test("an update of a message that is not loaded only moves the cursor", () => {
  const log = begin(page([message(5)], { has_more: true }));
  const next = apply(log, { type: "message_updated", message: message(2, { content: "new" }), seq: 6 });
  assert.deepEqual([next.messages.length, next.cursor], [1, 6]);
});

test("an old open question does not pass for the beginning of what is loaded", () => {
  const log = merge(begin(page([message(50)], { has_more: true })), [question(3)]);
  assert.equal(log.oldest, 50);
  const older = addOlder(log, page([question(3), message(40)]));
  assert.deepEqual(
    older.messages.map(({ seq }) => seq),
    [3, 40, 50],
  );
  assert.deepEqual([older.oldest, older.hasOlder], [3, false]);
});

test("a gap before a live message is seen, also when it is an update that is missing", () => {
  const log = begin(page([message(1)]));
  assert.equal(leavesGap(log, { type: "new_message", message: message(3, { prev_seq: 2 }) }), true);
  assert.equal(leavesGap(log, { type: "new_message", message: message(3, { prev_seq: 1 }) }), false);
});

test("an answer that is taken back opens its question again, and a later one closes it", () => {
  const log = apply(begin(page([question(1)])), { type: "new_message", message: closing(2, 1) });
  const again = apply(log, { type: "new_message", message: reopening(3, 1) });
  assert.deepEqual([again.messages[0]?.question?.state, again.messages[0]?.question?.closing], ["open", undefined]);
  const closed = apply(again, { type: "new_message", message: closing(4, 1) });
  assert.equal(closed.messages[0]?.question?.state, "answered");
});

test("older pages do not undo what newer messages say of a question", () => {
  const log = begin(page([reopening(3, 1), message(4)], { has_more: true }));
  const older = addOlder(log, page([question(1), closing(2, 1)]));
  assert.equal(older.messages[0]?.question?.state, "open");
  const shut = addOlder(begin(page([closing(4, 1)], { has_more: true })), page([question(1), closing(2, 1), reopening(3, 1)]));
  assert.equal(shut.messages[0]?.question?.state, "answered");
});

test("a question read after it was closed anew stays closed, though we last heard that it was taken back", () => {
  const log = apply(begin(page([question(1), closing(2, 1)])), { type: "new_message", message: reopening(3, 1) });
  const { closes } = closing(9, 1);
  const state = { key: "k", state: "answered" as const, closing: { ...closes, question_id: "msg_1", outcome: "answered" as const, at: "2026-11-21T07:00:00.000Z" } };
  assert.equal(merge(log, [message(1, { question: state })]).messages[0]?.question?.state, "answered");
});

test("an old question that is put to others is shown: it may be for us now", () => {
  const log = begin(page([message(50)], { has_more: true }));
  const next = apply(log, { type: "message_updated", message: question(3), seq: 51 });
  assert.deepEqual(next.messages.map(({ seq }) => seq), [3, 50]);
});

test("deleting keeps the place and takes the words", () => {
  const log = apply(begin(page([message(1)])), { type: "message_deleted", channel_id: "ch_1", message_id: "msg_1", seq: 2 });
  assert.equal(log.messages[0]?.content, "");
  assert.ok(log.messages[0].deleted_at);
});
