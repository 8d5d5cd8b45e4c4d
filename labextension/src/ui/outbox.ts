/** What this human has said and the log does not hold yet. It outlives every reconnect: the same `client_id` is sent again. */

import type { ErrorBody, Message, SendAnswer, SendMessage } from "../protocol";
import type { LogFrame } from "./store";

export interface Entry {
  frame: (SendMessage | SendAnswer) & { client_id: string; channel_id: string };
  /** `accepted`: durable, but its message is still on its way to us. */
  state: "sending" | "accepted" | "failed";
  error?: ErrorBody;
  /** Its value is forgotten as soon as the hub has said anything to it. */
  secret: boolean;
}

export type Outbox = readonly Entry[];

function change(outbox: Outbox, clientId: string, to: Pick<Entry, "state" | "error">): Outbox {
  return outbox.map((entry) => {
    const { frame, secret } = entry;
    if (frame.client_id !== clientId) return entry;
    return { frame: secret && frame.type === "answer" ? { ...frame, value: null } : frame, secret, ...to };
  });
}

export function add(outbox: Outbox, frame: Entry["frame"], secret = false): Outbox {
  return [...outbox, { frame, state: "sending", secret }];
}

export function accept(outbox: Outbox, clientId: string): Outbox {
  return change(outbox, clientId, { state: "accepted" });
}

export function fail(outbox: Outbox, clientId: string, error: ErrorBody): Outbox {
  return change(outbox, clientId, { state: "failed", error });
}

export function retry(outbox: Outbox, clientId: string): Outbox {
  return change(outbox, clientId, { state: "sending" });
}

export function remove(outbox: Outbox, clientId: string): Outbox {
  return outbox.filter((entry) => entry.frame.client_id !== clientId);
}

export function answerFrame(message: Message, value: unknown, via: string, clientId: string): Entry["frame"] {
  const digest = message.question?.digest;
  return {
    type: "answer",
    channel_id: message.channel_id,
    message_id: message.id,
    value,
    via,
    ...(digest === undefined ? {} : { saw: digest }),
    client_id: clientId,
    request_id: clientId,
  };
}

/** The pending or refused answer to a question. */
export function answerTo(outbox: Outbox, messageId: string): Entry | undefined {
  return outbox.findLast((entry) => entry.frame.type === "answer" && entry.frame.message_id === messageId);
}

/**
 * Without what this frame has brought home.
 *
 * An answer of ours stays when another's closes the question: its own reply, still to come, says who was faster.
 */
export function settled(outbox: Outbox, frame: LogFrame): Outbox {
  return frame.type === "new_message" ? outbox.filter((entry) => entry.frame.client_id !== frame.message.client_id) : outbox;
}
