/** What an output or a widget says that it shows. It may come from an untrusted notebook. */

import type { PanelData } from "./protocol";

/** The data, if it is some: an id becomes part of a URL, so it must look like one. */
export function readPanelData(value: unknown): PanelData | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { channel_id: channelId, channel_name: name, question_id: questionId, page_url: pageUrl } = value as Partial<
    Record<keyof PanelData, unknown>
  >;
  if (typeof channelId !== "string" || !/^\w+$/.test(channelId)) return undefined;
  return {
    channel_id: channelId,
    channel_name: typeof name === "string" && name ? name : "Agent chat",
    ...(typeof questionId === "string" && questionId ? { question_id: questionId } : {}),
    ...(typeof pageUrl === "string" && /^https?:/.test(pageUrl) ? { page_url: pageUrl } : {}),
  };
}
