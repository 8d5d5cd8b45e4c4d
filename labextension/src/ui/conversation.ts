/** One channel, live: its log, what this human has sent, and the connection behind both. */

import type { ErrorBody, Message, MessageReply, MessagesReply, QuestionsReply, ServerFrame } from "../protocol";
import { Connection, browserSurroundings, type Listener, type Surroundings } from "./connection";
import { Live } from "./live";
import * as box from "./outbox";
import { Refusal, Unreachable, call, socketUrl, uniqueId, type Address } from "./rest";
import { BEGINNING, type Snapshot } from "./snapshot";
import { addOlder, apply, begin, isPosted, leavesGap, merge, type LogFrame } from "./store";
import type { ViaName } from "./via";

const PAGE = 50;
const NEWEST = Number.MAX_SAFE_INTEGER;
/** After so many attempts in a row we stop calling it a hiccup. */
const PATIENCE = 4;
export const TYPING_EVERY = 3000;

export type { ConnectionState, Snapshot } from "./snapshot";

export class Conversation implements Listener {
  readonly live: Live;
  private snapshot: Snapshot = BEGINNING;
  private readonly connection: Connection;
  private readonly watchers = new Set<() => void>();
  private subscribed = false;
  private loading = false;
  /** A gap is filled by asking again from the cursor; a hub that has nothing to fill it with is asked once. */
  private gapAt = -1;
  private readTo = 0;
  private cancelTelling: (() => void) | undefined;
  private cancelTyping: (() => void) | undefined;

  constructor(
    readonly address: Address,
    readonly channelId: string,
    private readonly surroundings: Surroundings = browserSurroundings(() => socketUrl(address)),
  ) {
    this.connection = new Connection(surroundings, this);
    this.live = new Live(address, channelId, surroundings.later);
  }

  get current(): Snapshot {
    return this.snapshot;
  }

  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  open(): void {
    this.connection.open();
    void this.load();
  }

  close(): void {
    this.cancelTelling?.();
    this.cancelTyping?.();
    this.connection.close();
    this.live.close();
    this.watchers.clear();
  }

  hurry(): void {
    this.connection.hurry();
  }

  say(content: string): void {
    const clientId = uniqueId();
    this.post({ type: "send_message", channel_id: this.channelId, content, client_id: clientId, request_id: clientId });
  }

  /** Answers with what was on the screen: if the hub has another question by now, it refuses. */
  answer(message: Message, value: unknown, via: ViaName): void {
    const outbox = this.snapshot.outbox.filter((entry) => entry !== box.answerTo(this.snapshot.outbox, message.id));
    this.change({ outbox });
    this.post(box.answerFrame(message, value, via, uniqueId()), message.question?.kind === "secret");
  }

  /** This human wants to be left alone with a question until then, or no longer (see `snooze`). */
  putOff(messageId: string, until: string | undefined): void {
    const others = Object.entries(this.snapshot.snoozed).filter(([id]) => id !== messageId);
    this.change({ snoozed: Object.fromEntries(until === undefined ? others : [...others, [messageId, until]]) });
  }

  /** Messages that were asked for one by one, whole. */
  learn(messages: Message[]): void {
    const { log, bare } = this.snapshot;
    if (log) this.change({ log: merge(log, messages), bare: new Set([...bare].filter((id) => !messages.some((each) => each.id === id))) });
  }

  /** Something is being written: the others are told, every few seconds. */
  typing(): void {
    if (this.cancelTyping || !this.connection.send({ type: "signal", channel_id: this.channelId, kind: "typing" })) return;
    this.cancelTyping = this.surroundings.later(() => {
      this.cancelTyping = undefined;
    }, TYPING_EVERY);
  }

  /** The reader has the newest message before their eyes: the hub is told, at most once a second. */
  seen(): void {
    const unread = (this.snapshot.log?.cursor ?? 0) > this.readTo;
    if (!unread || this.cancelTelling) return;
    this.cancelTelling = this.surroundings.later(() => {
      this.cancelTelling = undefined;
      const seq = this.snapshot.log?.cursor ?? 0;
      if (this.connection.send({ type: "ack", channel_id: this.channelId, seq })) this.readTo = seq;
    }, 1000);
  }

  retry(clientId: string): void {
    this.change({ outbox: box.retry(this.snapshot.outbox, clientId) });
    this.flush(clientId);
  }

  discard(clientId: string): void {
    this.change({ outbox: box.remove(this.snapshot.outbox, clientId) });
  }

  async loadOlder(): Promise<void> {
    const { log, loadingOlder } = this.snapshot;
    if (!log?.hasOlder || loadingOlder) return;
    this.change({ loadingOlder: true });
    try {
      const page = await this.page(log.oldest);
      // The log may have been replaced while we waited; then this page is of another one.
      if (this.snapshot.log?.epoch === page.epoch) this.change({ log: addOlder(this.snapshot.log, page) });
    } catch (error) {
      if (!(error instanceof Refusal || error instanceof Unreachable)) throw error;
    } finally {
      this.change({ loadingOlder: false });
    }
  }

  // ------------------------------------------------------------------------------------------ what the hub says

  onUp(): void {
    if (this.snapshot.log) this.subscribe();
    else void this.load();
  }

  onFrame(frame: ServerFrame): void {
    switch (frame.type) {
      case "connected":
        this.change({ me: frame.participant });
        break;
      case "new_message":
        if (frame.message.channel_id === this.channelId) this.take(frame);
        break;
      case "message_updated":
        if (frame.message.channel_id === this.channelId) this.take(frame);
        break;
      case "message_deleted":
        if (frame.channel_id === this.channelId) this.take(frame);
        break;
      case "subscribed":
        this.subscribed = true;
        // Also after `lagged` and `reset`: of what is so now, nothing is told again.
        void this.live.load();
        this.change({ connection: "live" });
        for (const entry of this.snapshot.outbox) if (entry.state === "sending") this.flush(entry.frame.client_id);
        break;
      case "sent":
        if (frame.client_id ?? frame.request_id) this.sent(frame.client_id ?? frame.request_id ?? "", frame.seq);
        break;
      case "lagged":
        if (frame.channel_id === this.channelId) this.subscribe();
        break;
      case "reset":
        if (frame.channel_id === this.channelId) void this.load();
        break;
      case "signal":
        if (frame.channel_id === this.channelId && !isPosted(this.snapshot.log, frame)) this.live.hear(frame);
        break;
      case "control":
        if (frame.channel_id === this.channelId) this.live.hearControl(frame);
        break;
      case "error":
        this.refused(frame.request_id, frame);
        break;
    }
  }

  onDown(attempts: number): void {
    this.subscribed = false;
    this.change({ connection: attempts >= PATIENCE ? "unreachable" : "retrying" });
    // A browser does not say why a handshake failed; plain HTTP does.
    if (this.snapshot.log) void this.ask(() => call(this.address, "GET", `channels/${this.channelId}`));
    else void this.load();
  }

  // ------------------------------------------------------------------------------------------ inside

  private async load(): Promise<void> {
    if (this.loading) return;
    this.loading = true;
    await this.ask(async () => {
      const log = begin(await this.page(NEWEST));
      this.readTo = 0;
      this.change({ log });
      const path = `questions?channel_id=${this.channelId}`;
      const { questions, snoozed = {}, without_parts = [] } = await call<QuestionsReply>(this.address, "GET", path);
      // The page that was just read has them whole.
      const bare = new Set(without_parts.filter((id) => !this.snapshot.log?.messages.some((message) => message.id === id)));
      this.learn(questions.filter(({ id }) => bare.has(id) || !without_parts.includes(id)));
      this.change({ snoozed, bare });
    });
    this.loading = false;
    if (this.snapshot.log) this.subscribe();
    else this.connection.drop();
  }

  private page(before: number): Promise<MessagesReply> {
    return call(this.address, "GET", `channels/${this.channelId}/messages?limit=${PAGE}&before=${before}`);
  }

  /** Runs a call; a refusal ends the conversation, silence is left to the next attempt. */
  private async ask(action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (error instanceof Refusal) this.giveUp(error.status, error.body);
      else if (!(error instanceof Unreachable)) throw error;
    }
  }

  private giveUp(status: number, body: ErrorBody): void {
    this.connection.close();
    this.change({ connection: "unreachable", refusal: { status, body } });
  }

  private subscribe(): void {
    const { log } = this.snapshot;
    if (!log || this.loading) return;
    this.connection.send({
      type: "subscribe",
      channel_id: this.channelId,
      after: log.cursor,
      epoch: log.epoch,
      request_id: "subscribe",
    });
  }

  private take(frame: LogFrame): void {
    const { log } = this.snapshot;
    if (!log) return;
    if (leavesGap(log, frame) && this.gapAt !== log.cursor) {
      this.gapAt = log.cursor;
      this.subscribe();
      return;
    }
    const next = apply(log, frame);
    this.change({ log: next, outbox: box.settled(this.snapshot.outbox, frame) });
    if (frame.type === "new_message") this.live.settle(frame.message);
  }

  private sent(clientId: string, seq: number): void {
    const { log, outbox } = this.snapshot;
    const seen = log !== undefined && seq <= log.cursor;
    this.change({ outbox: seen ? box.remove(outbox, clientId) : box.accept(outbox, clientId) });
  }

  private refused(requestId: string | undefined, error: ErrorBody): void {
    if (requestId === "subscribe") {
      this.giveUp(error.code === "channel_not_found" ? 404 : 403, error);
      return;
    }
    if (requestId === undefined) return;
    const entry = this.snapshot.outbox.find((each) => each.frame.client_id === requestId);
    this.change({ outbox: box.fail(this.snapshot.outbox, requestId, error) });
    // Somebody was faster. Their answer is on its way, but the one who clicked should not have to wait for it.
    if (error.code === "already_closed" && entry?.frame.type === "answer") void this.refresh(entry.frame.message_id);
  }

  private async refresh(messageId: string): Promise<void> {
    await this.ask(async () => {
      const path = `channels/${this.channelId}/messages/${messageId}`;
      this.learn([(await call<MessageReply>(this.address, "GET", path)).message]);
    });
  }

  private post(frame: box.Entry["frame"], secret = false): void {
    this.change({ outbox: box.add(this.snapshot.outbox, frame, secret) });
    this.flush(frame.client_id);
  }

  private flush(clientId: string): void {
    const entry = this.snapshot.outbox.find((each) => each.frame.client_id === clientId);
    if (entry && this.subscribed) this.connection.send(entry.frame);
  }

  private change(to: Partial<Snapshot>): void {
    this.snapshot = { ...this.snapshot, ...to };
    for (const watcher of [...this.watchers]) watcher();
  }
}
