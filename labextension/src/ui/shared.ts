/** Panels of one page share what they can: a notebook shows the same channel under many cells, through one WebSocket. */

import { Conversation } from "./conversation";
import type { Address } from "./rest";

interface Held {
  conversation: Conversation;
  panels: number;
}

const held = new Map<string, Held>();
const drafts = new Map<string, string>();

function keyOf(address: Address, channelId: string): string {
  return [address.baseUrl, address.auth, channelId].join(" ");
}

/** The live conversation of a channel; every `acquire` needs its `release`. */
export function acquire(address: Address, channelId: string): Conversation {
  const key = keyOf(address, channelId);
  let entry = held.get(key);
  if (entry?.conversation.current.refusal) {
    // Refused once, it stays silent. Who mounts a panel anew (signed in again, re-ran the cell) asks anew.
    entry = undefined;
  }
  if (!entry) {
    entry = { conversation: new Conversation(address, channelId), panels: 0 };
    held.set(key, entry);
    entry.conversation.open();
  }
  entry.panels += 1;
  return entry.conversation;
}

export function release(conversation: Conversation): void {
  const key = keyOf(conversation.address, conversation.channelId);
  const entry = held.get(key);
  if (entry?.conversation !== conversation) {
    conversation.close();
    return;
  }
  entry.panels -= 1;
  if (entry.panels > 0) return;
  // An output that is rendered anew goes and comes in one breath: keep the connection for that long.
  setTimeout(() => {
    if (entry.panels > 0) return;
    if (held.get(key) === entry) held.delete(key);
    conversation.close();
  }, 1000);
}

function hurry(): void {
  if (document.visibilityState === "hidden") return;
  for (const entry of held.values()) entry.conversation.hurry();
}

window.addEventListener("online", hurry);
window.addEventListener("offline", hurry);
document.addEventListener("visibilitychange", hurry);

/** What was typed and not sent, by the message or channel that it is for. */
export function draft(id: string): string {
  return drafts.get(id) ?? "";
}

export function keepDraft(id: string, text: string): void {
  if (text) drafts.set(id, text);
  else drafts.delete(id);
}
