import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Conversation, TYPING_EVERY } from "../src/ui/conversation";
import { countText, typingText } from "../src/ui/format";
import { DRAWN_EVERY } from "../src/ui/live";
import { COUNTED_FOR, DONE_FOR, DRAFT_FOR, SAID_FOR, TYPING_FOR, type Now } from "../src/ui/said";
import type { AgentStatus, Member, SignalKind } from "../src/protocol";
import { FakeSurroundings, message, page, serve, settle } from "./hub";

let world: FakeSurroundings;
let members: Member[];
let agents: AgentStatus[];
let asked: string[];

beforeEach(() => {
  world = new FakeSurroundings();
  members = [member("hu_ada", "Ada"), member("hu_eve", "Eve"), member("ag_bot", "bot"), member("ag_far", "far", { online: false })];
  agents = [];
  asked = [];
  serve((path) => {
    asked.push(path);
    if (path.startsWith("questions")) return { body: { questions: [] } };
    if (path.endsWith("/members")) return { body: { members } };
    return { body: path.startsWith("status") ? { agents } : page([message(1)]) };
  });
});

function member(id: string, name: string, more: Partial<Member> = {}): Member {
  const kind = id.startsWith("ag_") ? "agent" : "human";
  return { participant_id: id, kind, name, role: "member", read_seq: 0, joined_at: "2026-11-21T06:00:00.000Z", online: true, ...more };
}

function agent(id: string, more: Partial<AgentStatus>): AgentStatus {
  return { participant_id: id, name: id, connections: 1, open_questions: 0, online: true, ...more };
}

function comesUp(): void {
  world.socket.connects();
  world.socket.says({ type: "subscribed", channel_id: "ch_1", last_seq: 1, request_id: "subscribe" });
}

async function live(): Promise<Conversation> {
  const conversation = new Conversation({ baseUrl: "/agentchat/", auth: "jupyter" }, "ch_1", world);
  conversation.open();
  await settle();
  comesUp();
  await settle();
  return conversation;
}

function hear(id: string, kind: SignalKind, data: Record<string, unknown> = {}, channelId = "ch_1"): void {
  world.socket.says({ type: "signal", channel_id: channelId, participant_id: id, kind, data });
}

function here({ people }: Now): string[] {
  return [...people.values()].filter(({ online }) => online).map(({ name }) => name);
}

test("on opening it asks once who is here and what agents last said", async () => {
  const at = new Date().toISOString();
  const old = new Date(Date.now() - SAID_FOR - 1000).toISOString();
  agents = [
    agent("ag_bot", { status: { text: "reading", at }, progress: { text: "scraping", done: 42, total: 100, at } }),
    agent("ag_far", { status: { text: "gone", at } }),
    agent("ag_elsewhere", { status: { text: "of another channel", at } }),
  ];
  const conversation = await live();
  const { doing, presence } = conversation.live.current;
  assert.deepEqual(doing.map(({ id, status, progress }) => [id, status, progress?.done]), [["ag_bot", "reading", 42]]);
  assert.deepEqual([presence, here(conversation.live.current)], [true, ["Ada", "Eve", "bot"]]);
  assert.equal(asked.filter((path) => path.startsWith("status") || path.endsWith("/members")).length, 2);

  agents = [agent("ag_bot", { status: { text: "long ago", at: old }, progress: { text: "scraping", done: 100, total: 100, at: old } })];
  assert.deepEqual((await live()).live.current.doing, []);
});

test("who types is named until ten seconds pass, they say it, or they go", async () => {
  const now = (await live()).live;
  hear("hu_eve", "typing");
  hear("hu_ada", "typing", {}, "ch_other");
  world.pass(TYPING_FOR - 1);
  assert.deepEqual(now.current.typing, ["hu_eve"]);
  hear("hu_eve", "typing");
  world.pass(TYPING_FOR - 1);
  assert.deepEqual(now.current.typing, ["hu_eve"]);
  world.pass(1);
  assert.deepEqual(now.current.typing, []);
  hear("hu_eve", "typing");
  world.socket.says({ type: "new_message", message: message(2, { author_id: "hu_eve" }) });
  assert.deepEqual(now.current.typing, []);
  hear("hu_eve", "typing");
  hear("hu_eve", "presence", { state: "offline" });
  assert.deepEqual(now.current.typing, []);
});

test("an agent keeps one line; what is complete goes soon, what it said last after long silence, all of it when the agent goes", async () => {
  const now = (await live()).live;
  hear("ag_bot", "status", { text: "comparing" });
  hear("ag_bot", "progress", { text: "scraping", done: 1, total: 2 });
  hear("ag_far", "progress", { text: "counting", done: 7 });
  assert.deepEqual(now.current.doing.map(({ id }) => id), ["ag_bot", "ag_far"]);
  hear("ag_bot", "progress", { text: "scraping", done: 2, total: 2 });
  world.pass(DONE_FOR);
  assert.deepEqual(now.current.doing, [
    { id: "ag_bot", status: "comparing" },
    { id: "ag_far", progress: { text: "counting", done: 7 } },
  ]);
  world.pass(COUNTED_FOR - DONE_FOR);
  assert.deepEqual(now.current.doing.map(({ id }) => id), ["ag_bot"]);
  hear("ag_far", "progress", { text: "counting", done: 7 });
  hear("ag_far", "presence", { state: "offline" });
  assert.deepEqual(now.current.doing.map(({ id }) => id), ["ag_bot"]);
  world.pass(SAID_FOR);
  assert.deepEqual(now.current.doing, []);
});

test("a status that is empty takes the last one back", async () => {
  const now = (await live()).live;
  hear("ag_bot", "status", { text: "comparing" });
  hear("ag_bot", "status", { text: "" });
  assert.deepEqual(now.current.doing, []);
});

test("a streamed text is replaced by its message in the same breath, and what comes late of it is not shown", async () => {
  const conversation = await live();
  const drawn: unknown[] = [];
  conversation.live.watch(() => drawn.push([conversation.current.log?.messages.length, conversation.live.current.drafts.length]));
  for (const text of ["He", "Hello"]) hear("ag_bot", "stream", { id: "c_1", text });
  hear("hu_eve", "stream", { id: "c_1", text: "the same id by another" });
  assert.deepEqual(conversation.live.current.drafts.map(({ text }) => text), ["Hello", "the same id by another"]);
  world.pass(DRAWN_EVERY);
  world.socket.says({ type: "new_message", message: message(2, { client_id: "c_1", content: "Hello!" }) });
  hear("ag_bot", "stream", { id: "c_1", text: "Hell" });
  assert.deepEqual(drawn, [[1, 2], [2, 1]]);
  assert.deepEqual(conversation.live.current.drafts.map(({ authorId }) => authorId), ["hu_eve"]);
});

test("a draft ends by itself, and one author has five of them at most", async () => {
  const now = (await live()).live;
  for (let n = 0; n < 8; n += 1) hear("ag_bot", "stream", { id: `c_${n}`, text: "x" });
  assert.deepEqual(now.current.drafts.map(({ id }) => id), ["c_3", "c_4", "c_5", "c_6", "c_7"]);
  world.pass(DRAFT_FOR);
  assert.deepEqual(now.current.drafts, []);
});

test("of what is heard in one instant, it is drawn once", async () => {
  const now = (await live()).live;
  world.pass(DRAWN_EVERY);
  let drawings = 0;
  now.watch(() => (drawings += 1));
  for (let done = 0; done < 100; done += 1) hear("ag_bot", "progress", { text: "scraping", done, total: 100 });
  world.pass(DRAWN_EVERY);
  assert.equal(drawings, 1);
});

test("after a break it asks again: what was completed meanwhile is gone, who went is gone", async () => {
  const now = (await live()).live;
  hear("ag_bot", "progress", { text: "scraping", done: 1, total: 2 });
  hear("hu_eve", "typing");
  members = members.map((each) => (each.participant_id === "hu_eve" ? { ...each, online: false } : each));
  agents = [agent("ag_bot", { progress: { text: "scraping", done: 2, total: 2, at: new Date(Date.now() - 2 * DONE_FOR).toISOString() } })];
  world.socket.breaks();
  world.pass(1000);
  comesUp();
  await settle();
  assert.deepEqual([now.current.doing, now.current.typing, here(now.current)], [[], [], ["Ada", "bot"]]);
});

test("who comes while it asks is here, whatever the older answer says", async () => {
  const conversation = new Conversation({ baseUrl: "/agentchat/", auth: "jupyter" }, "ch_1", world);
  conversation.open();
  await settle();
  comesUp();
  hear("ag_far", "presence", { state: "online" });
  hear("ag_bot", "presence", { state: "offline" });
  await settle();
  assert.deepEqual(here(conversation.live.current), ["Ada", "Eve", "far"]);
});

test("an agent's progress that comes while it asks leaves the status that it is told", async () => {
  const now = (await live()).live;
  const at = new Date().toISOString();
  agents = [agent("ag_bot", { status: { text: "comparing", at }, progress: { text: "scraping", at, done: 1, total: 9 } })];
  world.socket.breaks();
  world.pass(1000);
  comesUp();
  hear("ag_bot", "progress", { text: "scraping", done: 2, total: 9 });
  await settle();
  world.pass(DRAWN_EVERY);
  assert.deepEqual(now.current.doing, [{ id: "ag_bot", status: "comparing", progress: { text: "scraping", done: 2, total: 9 } }]);
});

test("somebody unknown who signals is asked for, once", async () => {
  const now = (await live()).live;
  members.push(member("hu_new", "Nia"));
  asked = [];
  for (let n = 0; n < 3; n += 1) hear("hu_new", "typing");
  await settle();
  hear("ag_stranger", "typing");
  await settle();
  assert.equal(now.current.people.get("hu_new")?.name, "Nia");
  assert.deepEqual(asked.sort(), ["channels/ch_1/members", "status?channel_id=ch_1"]);
});

test("who comes right after somebody else, and says one word, is found as soon as it may be asked again", async () => {
  const now = (await live()).live;
  members.push(member("hu_new", "Nia"));
  hear("hu_new", "typing");
  await settle();
  members.push(member("ag_new", "scout"));
  hear("ag_new", "status", { text: "scraping" });
  await settle();
  assert.equal(now.current.people.has("ag_new"), false);
  world.pass(5_000);
  await settle();
  assert.equal(now.current.people.get("ag_new")?.name, "scout");
  asked = [];
  world.pass(60_000);
  await settle();
  assert.deepEqual(asked.filter((path) => path.endsWith("/members")), [], "and nobody is asked for again");
});

test("in a channel too large for the hub to tell who comes and goes, nothing is said of it", async () => {
  for (let n = 0; n < 100; n += 1) members.push(member(`ag_${n}`, `agent ${n}`));
  assert.equal((await live()).live.current.presence, false);
});

test("a hub that does not say who is here has a conversation nonetheless", async () => {
  serve((path) => {
    if (path.startsWith("status")) return { status: 403, body: { error: { code: "forbidden", message: "Not for you." } } };
    return { body: path.startsWith("questions") ? { questions: [] } : path.endsWith("/members") ? { members } : page([message(1)]) };
  });
  const conversation = await live();
  assert.deepEqual([conversation.current.connection, conversation.current.refusal], ["live", undefined]);
});

test("that somebody writes is told every three seconds at most, and not while there is no connection", async () => {
  const conversation = await live();
  const told = () => world.socket.said.filter((frame) => frame.type === "signal").length;
  for (let n = 0; n < 4; n += 1) conversation.typing();
  assert.equal(told(), 1);
  world.pass(TYPING_EVERY);
  conversation.typing();
  assert.equal(told(), 2);
  world.pass(TYPING_EVERY);
  world.socket.breaks();
  conversation.typing();
  world.pass(1000);
  comesUp();
  assert.equal(told(), 0);
  conversation.typing();
  assert.equal(told(), 1);
});

test("counts and names are as people say them", () => {
  assert.deepEqual([{ done: 42, total: 100 }, { done: 7 }, {}, { done: 0.1 + 0.2, total: 1 }, { done: 3, total: 0 }].map(countText),
    ["42 of 100", "7", "", "0.3 of 1", "3"]);
  assert.equal(typingText(["Ann"]), "Ann is typing…");
  assert.equal(typingText(["Ann", "Bo"]), "Ann and Bo are typing…");
  assert.equal(typingText(["Ann", "Bo", "Cy", "Di"]), "Ann, Bo and 2 others are typing…");
});
