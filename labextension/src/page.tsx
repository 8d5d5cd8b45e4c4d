/** The page for humans without a notebook: an invite, a sign-in, a conversation. It fits a phone first. */

import { render } from "preact";

import { ChatPage } from "./page/ChatPage";
import { InvitePage } from "./page/InvitePage";
import { PAGE_STYLES } from "./page/styles";
import { shadow } from "./ui";
import type { Address } from "./ui/rest";

function start(host: HTMLElement): void {
  const { baseUrl = "/", view, token = "", channelId, auth } = host.dataset;
  const address: Address = { baseUrl, auth: auth === "jupyter" ? "jupyter" : "session" };
  const { root } = shadow(host);
  const style = document.createElement("style");
  style.textContent = PAGE_STYLES;
  root.before(style);
  render(view === "invite" ? <InvitePage address={address} token={token} /> : <ChatPage address={address} channelId={channelId} />, root);
}

const host = document.getElementById("agentchat");
if (host) start(host);
