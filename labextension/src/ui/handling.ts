/** What can be done with a question beside answering it. All of it throws `Refusal` and `Unreachable`. */

import type { ApprovalsReply, Message, MessageReply } from "../protocol";
import type { Conversation } from "./conversation";
import { call, uniqueId } from "./rest";
import type { ViaName } from "./via";

/** Hands a question on to others; the hub tells everybody. */
export async function delegate(conversation: Conversation, message: Message, to: string[], via: ViaName): Promise<void> {
  await act(conversation, message, "delegate", { to, via });
}

/** Not before so many seconds; 0: now after all. */
export async function snooze(conversation: Conversation, message: Message, seconds: number): Promise<void> {
  await act(conversation, message, "snooze", { seconds });
  conversation.putOff(message.id, seconds > 0 ? new Date(Date.now() + seconds * 1000).toISOString() : undefined);
}

/** Who answered takes that back, while the asker has not gone on with it: the hub tells everybody. */
export async function reopen(conversation: Conversation, message: Message): Promise<void> {
  await act(conversation, message, "reopen", {});
}

/** What is shown beside a question that came without it. */
export async function loadParts(conversation: Conversation, messageId: string): Promise<void> {
  const path = `channels/${conversation.channelId}/messages/${messageId}`;
  conversation.learn([(await call<MessageReply>(conversation.address, "GET", path)).message]);
}

/** An action that was approved once for all is to be asked for again. Returns: whether it was so approved. */
export async function askAgain({ address, channelId }: Conversation, message: Message): Promise<boolean> {
  const path = `channels/${channelId}/approvals`;
  const { approvals } = await call<ApprovalsReply>(address, "GET", path);
  const action = message.question?.approval?.action;
  const standing = approvals.find((each) => each.agent_id === message.author_id && each.action === action);
  if (standing) await call(address, "DELETE", `${path}/${standing.id}`, { client_id: uniqueId() });
  return standing !== undefined;
}

async function act({ address, channelId }: Conversation, message: Message, action: string, body: object): Promise<void> {
  await call(address, "POST", `channels/${channelId}/messages/${message.id}/${action}`, { ...body, client_id: uniqueId() });
}
