import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { PING_EVERY, PONG_WITHIN, backoff } from "../src/ui/connection";
import { Conversation } from "../src/ui/conversation";
import { answerTo } from "../src/ui/outbox";
import type { ServerFrame } from "../src/protocol";
import { FakeSurroundings, closing, message, page, question, serve, settle } from "./hub";

let world: FakeSurroundings;

/** A channel of which there is nothing to say but its messages. */
const NOBODY: Record<string, unknown> = {
  "questions?channel_id=ch_1": { questions: [] },
  "channels/ch_1/members": { members: [] },
  "status?channel_id=ch_1": { agents: [] },
};

beforeEach(() => {
  world = new FakeSurroundings();
  serve((path) => ({ body: NOBODY[path] ?? page([question(1), message(2)]) }));
});

async function open(): Promise<Conversation> {
  const conversation = new Conversation({ baseUrl: "/agentchat/", auth: "jupyter" }, "ch_1", world);
  conversation.open();
  await settle();
  return conversation;
}

async function live(): Promise<Conversation> {
  const conversation = await open();
  comesUp();
  return conversation;
}

function comesUp(): void {
  world.socket.connects();
  world.socket.says({ type: "subscribed", channel_id: "ch_1", last_seq: 2, request_id: "subscribe" });
}

test("it subscribes from where the page ended", async () => {
  const conversation = await live();
  assert.deepEqual(world.socket.said, [{ type: "subscribe", channel_id: "ch_1", after: 2, epoch: "e1", request_id: "subscribe" }]);
  assert.equal(conversation.current.connection, "live");
});

test("after a break it resumes behind the last thing it saw, and sends again what was not confirmed, by the same id", async () => {
  const conversation = await live();
  world.socket.says({ type: "new_message", message: message(7) });
  conversation.say("hello");
  const [, first] = world.socket.said;
  world.socket.breaks();
  assert.equal(conversation.current.connection, "retrying");
  world.pass(1000);
  comesUp();
  const [subscribe, again] = world.socket.said;
  assert.equal(subscribe?.type === "subscribe" && subscribe.after, 7);
  assert.deepEqual(again, first);
});

test("what was said comes home once, whether its confirmation or the message is first", async () => {
  const conversation = await live();
  conversation.say("one");
  conversation.say("two");
  const [one, two] = conversation.current.outbox.map((entry) => entry.frame.client_id);
  world.socket.says({ type: "sent", client_id: one ?? "", message_id: "msg_3", seq: 3 });
  world.socket.says({ type: "new_message", message: message(3, { client_id: one ?? "" }) });
  world.socket.says({ type: "new_message", message: message(4, { client_id: two ?? "" }) });
  world.socket.says({ type: "sent", client_id: two ?? "", message_id: "msg_4", seq: 4 });
  assert.deepEqual(conversation.current.outbox, []);
});

for (const first of ["reply", "event"]) test(`who answers second is told by whom the first answer was (${first} first)`, async () => {
  const conversation = await live();
  const asked = conversation.current.log?.messages[0];
  assert.ok(asked);
  conversation.answer(asked, "no", "notebook");
  const clientId = conversation.current.outbox[0]?.frame.client_id ?? "";
  const told = { code: "already_closed" as const, message: "Closed.", by_name: "Eve" };
  serve(() => ({ body: { message: { ...asked, question: { ...asked.question, state: "answered" } } } }));
  const frames: ServerFrame[] = [{ type: "error", request_id: clientId, ...told }, { type: "new_message", message: closing(3, 1) }];
  for (const frame of first === "reply" ? frames : frames.reverse()) world.socket.says(frame);
  await settle();
  assert.equal(answerTo(conversation.current.outbox, asked.id)?.error?.by_name, "Eve");
  assert.equal(conversation.current.log?.messages[0]?.question?.state, "answered");
});

test("a question that came without what is shown is marked, until it is had whole; one that the page has whole stays whole", async () => {
  const shown = [{ data: { "text/plain": "a table" } }];
  const whole = (seq: number) => ({ ...question(seq), parts: shown });
  serve((path) => {
    const questions = [question(1), question(40)];
    if (path.startsWith("questions")) return { body: { questions, without_parts: ["msg_1", "msg_40"] } };
    return { body: NOBODY[path] ?? page([whole(40), message(41)], { has_more: true }) };
  });
  const conversation = await live();
  assert.deepEqual([...conversation.current.bare], ["msg_1"]);
  assert.deepEqual(
    conversation.current.log?.messages.map(({ parts }) => parts),
    [undefined, shown, undefined],
  );
  conversation.learn([whole(1)]);
  assert.deepEqual([...conversation.current.bare], []);
  assert.deepEqual(conversation.current.log.messages[0]?.parts, shown);
});

test("an answer says what was seen, and where", async () => {
  const conversation = await live();
  conversation.answer(message(1, { question: { key: "k", state: "open", digest: "d1" } }), "no", "page");
  const frame = world.socket.said.at(-1);
  assert.deepEqual(frame?.type === "answer" && [frame.saw, frame.via], ["d1", "page"]);
});

for (const says of ["sent", "error"] as const) test(`a secret is sent again until the hub has said something, then it is forgotten (${says})`, async () => {
  const conversation = await live();
  conversation.answer(message(1, { question: { key: "k", state: "open", kind: "secret" } }), "hunter2", "page");
  world.socket.breaks();
  world.pass(1000);
  comesUp();
  assert.match(JSON.stringify(world.socket.said), /hunter2/);
  const id = conversation.current.outbox[0]?.frame.client_id ?? "";
  if (says === "sent") world.socket.says({ type: "sent", client_id: id, message_id: "msg_9", seq: 9 });
  else world.socket.says({ type: "error", request_id: id, code: "invalid_answer", message: "Too short." });
  assert.equal(conversation.current.outbox.length, 1);
  assert.doesNotMatch(JSON.stringify(conversation.current), /hunter2/);
});

test("a gap is asked for once; a hub that cannot fill it does not stop the conversation", async () => {
  const conversation = await live();
  const ahead = { type: "new_message" as const, message: message(9, { prev_seq: 8 }) };
  world.socket.says(ahead);
  assert.equal(world.socket.said.filter((frame) => frame.type === "subscribe").length, 2);
  world.socket.says(ahead);
  assert.equal(conversation.current.log?.cursor, 9);
});

test("told that it lagged, it goes on behind the last thing it saw, and what it said meanwhile is not said twice", async () => {
  const conversation = await live();
  world.socket.says({ type: "new_message", message: message(3) });
  conversation.say("hello");
  world.socket.says({ type: "lagged", channel_id: "ch_other", resume_after: 1 });
  world.socket.says({ type: "lagged", channel_id: "ch_1", resume_after: 3 });
  const subscriptions = world.socket.said.filter((frame) => frame.type === "subscribe");
  assert.deepEqual(subscriptions.map((frame) => frame.after), [2, 3]);
  world.socket.says({ type: "subscribed", channel_id: "ch_1", last_seq: 5, request_id: "subscribe" });
  for (const seq of [4, 5]) world.socket.says({ type: "new_message", message: message(seq, { prev_seq: seq - 1 }) });
  assert.deepEqual(conversation.current.log?.messages.map((each) => each.seq), [1, 2, 3, 4, 5]);
  const [sent] = conversation.current.outbox;
  assert.equal(new Set(world.socket.said.filter((frame) => frame.type === "send_message").map((frame) => frame.client_id)).size, 1);
  assert.ok(sent);
});

test("what was seen is told once a second at most, and not twice", async () => {
  const conversation = await live();
  conversation.seen();
  world.socket.says({ type: "new_message", message: message(3) });
  conversation.seen();
  world.pass(1000);
  conversation.seen();
  world.pass(1000);
  assert.deepEqual(
    world.socket.said.filter((frame) => frame.type === "ack").map((frame) => frame.seq),
    [3],
  );
});

test("a replaced log is read anew", async () => {
  const conversation = await live();
  serve((path) => ({ body: NOBODY[path] ?? page([message(1)], { epoch: "e2" }) }));
  world.socket.says({ type: "reset", channel_id: "ch_1", epoch: "e2", reason: "restored" });
  await settle();
  assert.equal(conversation.current.log?.messages.length, 1);
  const last = world.socket.said.at(-1);
  assert.deepEqual(last?.type === "subscribe" && [last.after, last.epoch], [1, "e2"]);
});

test("an unknown channel is not knocked at for ever", async () => {
  serve(() => ({ status: 404, body: { error: { code: "channel_not_found", message: "There is no such channel." } } }));
  const conversation = await open();
  assert.equal(conversation.current.refusal?.status, 404);
  world.pass(10 * 60_000);
  assert.equal(world.sockets.length, 1);
});

test("a hub that is down at first is found when it is up", async () => {
  const serving = globalThis.fetch;
  serve(() => "down");
  const conversation = await open();
  for (let attempt = 0; attempt < 5; attempt += 1) {
    world.pass(20_000);
    await settle();
  }
  assert.equal(conversation.current.connection, "unreachable");
  globalThis.fetch = serving;
  const { length } = world.sockets;
  while (world.sockets.length === length) world.pass(500);
  world.socket.connects();
  await settle();
  comesUp();
  assert.equal(conversation.current.connection, "live");
});

test("a connection that went silent is replaced", async () => {
  await live();
  world.pass(PING_EVERY);
  assert.equal(world.socket.said.at(-1)?.type, "ping");
  world.pass(PONG_WITHIN);
  assert.equal(world.sockets[0]?.closed, true);
  world.pass(1000);
  assert.equal(world.sockets.length, 2);
});

test("the delay grows to its limit, and is spread", () => {
  assert.deepEqual([0, 1, 2, 20].map((attempts) => backoff(attempts, () => 1)), [500, 1000, 2000, 8_000]);
  assert.equal(backoff(20, () => 0), 0);
});
