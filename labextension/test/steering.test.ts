import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import type { AgentStatus, Control, ControlFrame, Intent, IntentKind, Member } from "../src/protocol";
import { Conversation } from "../src/ui/conversation";
import { spanText } from "../src/ui/format";
import { runOf } from "../src/ui/RunView";
import { ENDED_FOR, SILENT_AFTER, othersText, standing, unread, wanted } from "../src/ui/steering";
import { FakeSurroundings, message, page, serve, settle } from "./hub";

const AT = "2026-11-21T12:00:00.000Z";
const NOW = Date.parse(AT) + 1000;

function asked(...kinds: IntentKind[]): Intent[] {
  return kinds.map((kind, place) => ({
    id: `int_${place}`, seq: place + 1, channel_id: "ch_1", agent_id: "ag_bot", kind, by_id: "hu_ada", by_name: "Ada", created_at: AT,
  }));
}

function control(state: Control["state"], pending: Intent[] = [], more: Partial<Control> = {}): Control {
  return { channel_id: "ch_1", agent_id: "ag_bot", state, run: "train", at: AT, pending, ...more };
}

function says(of: Control, more: { online?: boolean; at?: number; said?: string } = {}, now = NOW): [string, string] | undefined {
  const stands = standing({ control: of, online: true, at: NOW, said: "", ...more }, now);
  return stands && [stands.text.replace(/\d+:\d+.*?(?=$| while)/, "TIME"), stands.ways.join(" ")];
}

test("what is wanted is what is left of all that was asked", () => {
  const left = (state: Control["state"], ...kinds: IntentKind[]) => wanted(control(state, asked(...kinds)))?.kind;
  assert.equal(left("running"), undefined);
  assert.equal(left("running", "pause"), "pause");
  assert.equal(left("running", "pause", "resume"), undefined);
  assert.equal(left("running", "stop", "pause"), "stop");
  assert.equal(left("running", "stop", "resume", "pause"), "pause");
  assert.equal(left("paused", "resume"), "resume");
  assert.equal(left("paused", "resume", "pause"), "pause");
  assert.equal(left("running", "steer"), undefined);
  assert.equal(unread(control("running", asked("steer", "pause", "steer"))), 2);
});

test("each state is said in a few words, with what may be asked in it", () => {
  assert.deepEqual(says(control("running")), ["train · running since TIME", "pause stop steer"]);
  assert.deepEqual(says(control("running"), { said: "train: loss 0.2" }), ["running since TIME", "pause stop steer"]);
  assert.deepEqual(says(control("running", asked("pause"))), ["train · asked to pause by Ada", "resume stop steer"]);
  assert.deepEqual(says(control("paused")), ["train · paused", "resume stop steer"]);
  assert.deepEqual(says(control("paused", asked("resume"))), ["train · asked to resume by Ada", "pause stop steer"]);
  assert.deepEqual(says(control("running", asked("stop"))), ["train · asked to stop by Ada", "resume steer"]);
  assert.deepEqual(says(control("stopped")), ["train · stopped", ""]);
  assert.deepEqual(says(control("failed")), ["train · failed", ""]);
  assert.equal(says(control("idle")), undefined);
  assert.equal(says(control("finished"), {}, NOW + ENDED_FOR), undefined, "the log keeps it");
});

test("a run whose agent went is gone, one that says nothing is silent, and neither is so of a run that is over", () => {
  assert.deepEqual(says(control("running"), { online: false }), ["gone since TIME while running train", ""]);
  assert.deepEqual(says(control("paused", asked("resume")), { online: false }), ["gone since TIME while train was paused", ""]);
  assert.deepEqual(says(control("finished"), { online: false }), ["train · finished", ""]);
  const silent = { at: NOW - SILENT_AFTER };
  assert.deepEqual(says(control("running"), silent), ["train · silent for 1 min", "pause stop steer"]);
  assert.deepEqual(says(control("running"), { at: NOW - SILENT_AFTER + 1 }), ["train · running since TIME", "pause stop steer"]);
  assert.deepEqual(says(control("paused"), silent), ["train · paused", "resume stop steer"]);
});

test("of the agents that are not shown it is said how many need a look", () => {
  const [gone, runs] = [false, true].map((online) => standing({ control: control("running"), online, at: NOW, said: "" }, NOW));
  assert.deepEqual(othersText([runs, undefined]), { text: "and 2 more", bad: false });
  assert.deepEqual(othersText([runs, gone, undefined]), { text: "and 3 more, 1 in trouble", bad: true });
});

test("the run of a message is what its part says, if that can be read", () => {
  const tells = (data: unknown) => runOf(message(1, { parts: [{ data: { "application/vnd.agentchat.run+json": data } }] }));
  assert.deepEqual(tells({ name: "train", state: "finished", seconds: 3.5 }), { name: "train", state: "finished", seconds: 3.5 });
  assert.deepEqual(tells({ name: "train", state: "failed", error: 7 }), { name: "train", state: "failed" });
  for (const wrong of [null, "train", { name: "train" }, { name: 1, state: "started" }, { name: "x", state: "toString" }]) {
    assert.equal(tells(wrong), undefined);
  }
  assert.deepEqual([0.02, 3, 3.14, 42.4, 180, 7800, 7200].map(spanText), ["0.1 s", "3 s", "3.1 s", "42 s", "3 min", "2 h 10 min", "2 h"]);
});

// ------------------------------------------------------------------------------------------ what the hub tells

let world: FakeSurroundings;
let agents: AgentStatus[];
let askedFor: string[];
/** Holds the reply to `status` back. */
let held: Promise<void> | undefined;

beforeEach(() => {
  world = new FakeSurroundings();
  agents = [];
  askedFor = [];
  held = undefined;
  const members: Member[] = [{ participant_id: "ag_bot", kind: "agent", name: "bot", role: "owner", read_seq: 0, joined_at: AT, online: true }];
  serve((path) => {
    askedFor.push(path);
    if (path.startsWith("questions")) return { body: { questions: [] } };
    if (path.endsWith("/members")) return { body: { members } };
    return { body: path.startsWith("status") ? { agents } : page([message(1)]) };
  });
  const plain = globalThis.fetch;
  globalThis.fetch = async (...call) => {
    const reply = await plain(...call);
    if ((call[0] instanceof Request ? call[0].url : call[0].toString()).includes("/status")) await held;
    return reply;
  };
});

function bot(of: Control): AgentStatus {
  return { participant_id: "ag_bot", name: "bot", connections: 1, open_questions: 0, online: true, control: of, seen_at: AT };
}

function subscribed(): void {
  world.socket.says({ type: "subscribed", channel_id: "ch_1", last_seq: 1, request_id: "subscribe" });
}

async function live(): Promise<Conversation> {
  const conversation = new Conversation({ baseUrl: "/agentchat/", auth: "jupyter" }, "ch_1", world);
  conversation.open();
  await settle();
  world.socket.connects();
  subscribed();
  await settle();
  return conversation;
}

function tells(of: Control): void {
  world.socket.says({ type: "control", ...of } satisfies ControlFrame);
}

function state(conversation: Conversation): string | undefined {
  return conversation.live.current.controls.get("ag_bot")?.state;
}

test("how runs stand is known on opening, told by frames, and asked again after a break, a lag and a reset", async () => {
  agents = [bot(control("running"))];
  const conversation = await live();
  assert.equal(state(conversation), "running");
  assert.equal(conversation.live.lastSign("ag_bot"), Date.parse(AT));
  tells(control("paused", [], { at: "2026-11-21T12:05:00.000Z" }));
  tells(control("failed", [], { channel_id: "ch_other" }));
  assert.equal(state(conversation), "paused");
  for (const [miss, now] of [["lagged", "finished"], ["reset", "failed"], ["break", "idle"]] as const) {
    agents = [bot(control(now))];
    if (miss === "lagged") world.socket.says({ type: "lagged", channel_id: "ch_1", resume_after: 1 });
    else if (miss === "reset") world.socket.says({ type: "reset", channel_id: "ch_1", epoch: "e2", reason: "restored" });
    else {
      world.socket.breaks();
      world.pass(1000);
      world.socket.connects();
    }
    await settle();
    subscribed();
    await settle();
    assert.equal(state(conversation), now);
  }
});

test("what is told while it asks is newer than the reply", async () => {
  const conversation = await live();
  let answer: () => void = () => undefined;
  held = new Promise((resolve) => (answer = resolve));
  agents = [bot(control("running"))];
  subscribed();
  await settle();
  tells(control("paused"));
  answer();
  await settle();
  assert.equal(state(conversation), "paused");
});

test("what may have been missed while it asks is asked for once more", async () => {
  const conversation = await live();
  let answer: () => void = () => undefined;
  held = new Promise((resolve) => (answer = resolve));
  agents = [bot(control("running"))];
  subscribed();
  await settle();
  const before = askedFor.filter((path) => path.startsWith("status")).length;
  subscribed();
  agents = [bot(control("paused"))];
  answer();
  await settle();
  assert.equal(state(conversation), "paused");
  assert.equal(askedFor.filter((path) => path.startsWith("status")).length, before + 1);
});

test("that somebody asks something of an agent is no sign of its life; that it does it is", async () => {
  agents = [bot(control("running"))];
  const { live: now } = await live();
  tells(control("running", asked("pause")));
  assert.equal(now.lastSign("ag_bot"), Date.parse(AT));
  tells(control("running"));
  assert.ok((now.lastSign("ag_bot") ?? 0) > Date.parse(AT));
});
