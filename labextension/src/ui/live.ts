/** What is so right now: who is here, who types, what agents do and are about to say. It is never in the log, and ends by itself. */

import type { AgentStatus, ControlFrame, Member, MembersReply, Message, Signal, StatusReply } from "../protocol";
import type { Surroundings } from "./connection";
import { Refusal, Unreachable, call, type Address } from "./rest";
import { Runs } from "./runs";
import { DRAFT_FOR, SAID_FOR, TYPING_FOR, holds, isSame, progressOf, textOf, type Doing, type Draft, type Now, type Person } from "./said";

/** What is heard within this time is drawn at once: agents say a lot. */
export const DRAWN_EVERY = 50;
/** Of larger channels the hub does not tell who comes and goes (`hub/presence.py`): better no word than one that grows old. */
const TOLD_MEMBERS = 100;
/** That one agent may have in the making at a time. */
const DRAFTS = 5;
/** A signal of somebody unknown makes us ask who is here, no more often than this. */
const ASK_EVERY = 5_000;

export class Live {
  private now: Now = { people: new Map(), presence: false, typing: [], doing: [], controls: new Map(), drafts: [] };
  private readonly watchers = new Set<() => void>();
  /** What ends each thing that was signalled, by its kind and whose it is. */
  private readonly ends = new Map<string, () => void>();
  private cancelDrawing: (() => void) | undefined;
  private loading = false;
  /** It was asked for while we asked: what was told meanwhile may be missing from the reply. */
  private stale = false;
  /** Who was heard to be online, or to have gone, while we asked: newer than what we are told. */
  private heardOf = new Map<string, boolean>();
  /** Who said meanwhile what they do. */
  private heardFrom = new Set<string>();
  private readonly runs = new Runs();
  private cancelAsking: (() => void) | undefined;
  /** Somebody was heard whom we do not know, while it was too early to ask. */
  private unseated = false;

  constructor(
    private readonly address: Address,
    private readonly channelId: string,
    private readonly later: Surroundings["later"],
  ) {}

  get current(): Now {
    return this.now;
  }

  /** When this agent last gave a sign of life, in milliseconds since 1970, if that is known. */
  lastSign(id: string): number | undefined {
    return this.runs.lastSign(id);
  }

  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  close(): void {
    for (const cancel of this.ends.values()) cancel();
    this.ends.clear();
    this.cancelDrawing?.();
    this.cancelAsking?.();
    this.watchers.clear();
  }

  /** Asks who is here and what the agents last said, as signals tell only what changes. */
  async load(): Promise<void> {
    if (this.loading) {
      this.stale = true;
      return;
    }
    this.loading = true;
    this.heardOf = new Map();
    this.heardFrom = new Set();
    this.runs.asking();
    try {
      const [{ members }, { agents }] = await Promise.all([
        call<MembersReply>(this.address, "GET", `channels/${this.channelId}/members`),
        call<StatusReply>(this.address, "GET", `status?channel_id=${this.channelId}`),
      ]);
      this.seat(members);
      for (const agent of agents) this.recall(agent);
      this.runs.recall(agents);
      this.change({ controls: this.runs.current });
    } catch (error) {
      // The log and the composer do without it; the next connection asks again.
      if (!(error instanceof Refusal || error instanceof Unreachable)) throw error;
    } finally {
      this.loading = false;
    }
    if (!this.stale) return;
    this.stale = false;
    await this.load();
  }

  hearControl(frame: ControlFrame): void {
    this.runs.hear(frame);
    this.change({ controls: this.runs.current });
  }

  hear(signal: Signal): void {
    const { participant_id: id, kind, data } = signal;
    const online = kind !== "presence" || data["state"] !== "offline";
    const person = this.now.people.get(id);
    this.heardOf.set(id, online);
    if (kind !== "presence" || person?.online !== online) this.runs.sign(id);
    if (!person) this.askWhoIsHere();
    else if (person.online !== online) this.change({ people: new Map(this.now.people).set(id, { ...person, online }) });
    switch (kind) {
      case "presence":
        if (!online) this.forget(id);
        break;
      case "typing":
        if (!this.now.typing.includes(id)) this.change({ typing: [...this.now.typing, id] });
        this.endIn(TYPING_FOR, `typing ${id}`, () => {
          this.stopTyping(id);
        });
        break;
      case "status":
        this.heardFrom.add(`status ${id}`);
        this.say(id, { status: textOf(data["text"]) }, SAID_FOR);
        break;
      case "progress": {
        this.heardFrom.add(`progress ${id}`);
        const progress = progressOf(data);
        this.say(id, { progress }, holds(progress));
        break;
      }
      case "stream":
        this.write({ id: textOf(data["id"]), authorId: id, text: textOf(data["text"]) });
        break;
    }
  }

  /** What somebody was about to say is said. It is drawn at once, for the message takes the place of its draft. */
  settle(message: Message): void {
    const { author_id: id, client_id: clientId } = message;
    if (!this.now.people.has(id)) this.askWhoIsHere();
    this.runs.sign(id);
    this.stopTyping(id);
    if (clientId !== undefined) this.erase(id, clientId);
    this.draw();
  }

  // ------------------------------------------------------------------------------------------ who is here

  private seat(members: readonly Member[]): void {
    const people = new Map<string, Person>();
    for (const { participant_id: id, name, kind, role, online } of members) {
      people.set(id, { name, kind, role, online: this.heardOf.get(id) ?? online === true });
    }
    this.change({ people, presence: people.size <= TOLD_MEMBERS });
    for (const [id, { online }] of people) if (!online) this.forget(id);
  }

  private askWhoIsHere(): void {
    if (this.loading || this.cancelAsking) {
      // Who came meanwhile may never say a word again.
      this.unseated = true;
      return;
    }
    this.unseated = false;
    this.cancelAsking = this.later(() => {
      this.cancelAsking = undefined;
      if (this.unseated) this.askWhoIsHere();
    }, ASK_EVERY);
    void this.load();
  }

  /** Who has gone does nothing here any longer. */
  private forget(id: string): void {
    this.stopTyping(id);
    this.unsay(id, "status");
    this.unsay(id, "progress");
    for (const draft of this.now.drafts) if (draft.authorId === id) this.erase(id, draft.id);
  }

  // ------------------------------------------------------------------------------------------ what they do

  private recall(agent: AgentStatus): void {
    const { participant_id: id, status, progress } = agent;
    if (!this.now.people.get(id)?.online) return;
    const age = (at: string) => Math.max(0, Date.now() - Date.parse(at));
    if (status && !this.heardFrom.has(`status ${id}`)) this.say(id, { status: status.text }, SAID_FOR - age(status.at));
    if (progress && !this.heardFrom.has(`progress ${id}`)) this.say(id, { progress }, holds(progress) - age(progress.at));
  }

  private say(id: string, said: Omit<Doing, "id">, milliseconds: number): void {
    const part = said.progress ? "progress" : "status";
    if (milliseconds <= 0 || said.status === "") {
      this.unsay(id, part);
      return;
    }
    const { doing } = this.now;
    // Each keeps its line while others begin and end.
    const known = doing.some((each) => each.id === id);
    this.change({ doing: known ? doing.map((each) => (each.id === id ? { ...each, ...said } : each)) : [...doing, { id, ...said }] });
    this.endIn(milliseconds, `${part} ${id}`, () => {
      this.unsay(id, part);
    });
  }

  private unsay(id: string, part: "status" | "progress"): void {
    this.end(`${part} ${id}`);
    const before = this.now.doing.find((each) => each.id === id);
    if (before?.[part] === undefined) return;
    const after: Doing = { ...before };
    Reflect.deleteProperty(after, part);
    const isIdle = after.status === undefined && after.progress === undefined;
    this.change({ doing: this.now.doing.flatMap((each) => (each !== before ? [each] : isIdle ? [] : [after])) });
  }

  private stopTyping(id: string): void {
    this.end(`typing ${id}`);
    if (this.now.typing.includes(id)) this.change({ typing: this.now.typing.filter((each) => each !== id) });
  }

  // ------------------------------------------------------------------------------------------ what they are about to say

  private write(draft: Draft): void {
    const { drafts } = this.now;
    const { id, authorId } = draft;
    if (drafts.some((each) => isSame(each, draft))) {
      this.change({ drafts: drafts.map((each) => (isSame(each, draft) ? draft : each)) });
    } else {
      const [oldest, ...others] = drafts.filter((each) => each.authorId === authorId);
      if (oldest && others.length + 1 >= DRAFTS) this.erase(authorId, oldest.id);
      this.change({ drafts: [...this.now.drafts, draft] });
    }
    this.endIn(DRAFT_FOR, `draft ${authorId} ${id}`, () => {
      this.erase(authorId, id);
    });
  }

  private erase(authorId: string, id: string): void {
    this.end(`draft ${authorId} ${id}`);
    const draft = { id, authorId, text: "" };
    if (this.now.drafts.some((each) => isSame(each, draft))) {
      this.change({ drafts: this.now.drafts.filter((each) => !isSame(each, draft)) });
    }
  }

  // ------------------------------------------------------------------------------------------ inside

  private endIn(milliseconds: number, key: string, end: () => void): void {
    this.end(key);
    this.ends.set(key, this.later(end, milliseconds));
  }

  private end(key: string): void {
    this.ends.get(key)?.();
    this.ends.delete(key);
  }

  private change(to: Partial<Now>): void {
    this.now = { ...this.now, ...to };
    this.cancelDrawing ??= this.later(() => {
      this.draw();
    }, DRAWN_EVERY);
  }

  private draw(): void {
    this.cancelDrawing?.();
    this.cancelDrawing = undefined;
    for (const watcher of [...this.watchers]) watcher();
  }
}
