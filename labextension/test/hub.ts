/** A scripted hub: sockets and clock in the test's hand, HTTP from a table. */

import type { ClientFrame, Message, MessagesReply, ServerFrame } from "../src/protocol";
import type { Socket, Surroundings } from "../src/ui/connection";

export class FakeSocket implements Socket {
  onmessage: ((event: MessageEvent) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  readonly said: ClientFrame[] = [];
  closed = false;

  send(data: string): void {
    this.said.push(JSON.parse(data) as ClientFrame);
  }

  close(): void {
    this.closed = true;
  }

  says(frame: ServerFrame): void {
    this.onmessage?.({ data: JSON.stringify(frame) } as MessageEvent);
  }

  breaks(): void {
    this.onclose?.({} as CloseEvent);
  }

  connects(epoch = "e1"): void {
    this.says({ type: "connected", participant: { id: "hu_ada", kind: "human", name: "Ada" }, protocol: 1, epoch, heartbeat: 30 });
  }
}

export class FakeSurroundings implements Surroundings {
  readonly sockets: FakeSocket[] = [];
  readonly timers: { run: () => void; at: number }[] = [];
  now = 0;

  open = (): FakeSocket => {
    const socket = new FakeSocket();
    this.sockets.push(socket);
    return socket;
  };

  random = (): number => 1;

  later = (run: () => void, milliseconds: number): (() => void) => {
    const timer = { run, at: this.now + milliseconds };
    this.timers.push(timer);
    return () => {
      const place = this.timers.indexOf(timer);
      if (place >= 0) this.timers.splice(place, 1);
    };
  };

  pass(milliseconds: number): void {
    const until = this.now + milliseconds;
    for (;;) {
      const due = this.timers.filter((timer) => timer.at <= until).sort((one, other) => one.at - other.at)[0];
      if (!due) break;
      this.timers.splice(this.timers.indexOf(due), 1);
      this.now = due.at;
      due.run();
    }
    this.now = until;
  }

  get socket(): FakeSocket {
    const last = this.sockets.at(-1);
    if (!last) throw new Error("nothing was opened");
    return last;
  }
}

export function message(seq: number, more: Partial<Message> = {}): Message {
  return {
    id: `msg_${seq}`,
    channel_id: "ch_1",
    seq,
    author_id: "ag_bot",
    author_name: "bot",
    author_kind: "agent",
    content: `message ${seq}`,
    created_at: "2026-11-21T06:00:00.000Z",
    ...more,
  };
}

export function question(seq: number): Message {
  return message(seq, { question: { key: "k", state: "open", choices: ["yes", "no"] } });
}

export function closing(seq: number, of: number, more: Partial<Message> = {}): Message {
  const closes = { question_id: `msg_${of}`, outcome: "answered" as const, value: "yes", by_id: "hu_eve", by_name: "Eve" };
  return message(seq, { author_id: "hu_eve", author_name: "Eve", author_kind: "human", closes, ...more });
}

export function page(messages: Message[], more: Partial<MessagesReply> = {}): MessagesReply {
  return { messages, last_seq: messages.at(-1)?.seq ?? 0, has_more: false, epoch: "e1", ...more };
}

/** Serves `fetch` from a function of the path below `api/v1/`. */
export function serve(answer: (path: string) => { status?: number; body: unknown } | "down"): void {
  Object.assign(globalThis, { location: new URL("http://hub.test/lab"), document: { cookie: "_xsrf=abc" } });
  globalThis.fetch = (input) => {
    const address = input instanceof Request ? input.url : input.toString();
    const reply = answer(address.split("/api/v1/")[1] ?? "");
    if (reply === "down") return Promise.reject(new TypeError("Failed to fetch"));
    return Promise.resolve(Response.json(reply.body, { status: reply.status ?? 200 }));
  };
}

/** Lets everything that waits for HTTP go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
