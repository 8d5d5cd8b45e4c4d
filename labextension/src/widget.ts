/** The same panel as an anywidget, for front ends that do not have our labextension. */

import { readPanelData } from "./paneldata";
import { mount, mountNotice, type MountOptions } from "./ui";
import type { Address } from "./ui/rest";

interface Model {
  get(trait: string): unknown;
  set(trait: string, value: unknown): void;
  save_changes(): void;
  on(event: string, run: () => void): void;
  off(event: string, run: () => void): void;
}

const TRAITS = ["channel_id", "channel_name", "question_id", "page_url"] as const;
const CHANGES = TRAITS.map((trait) => `change:${trait}`).join(" ");

/** The Jupyter server that this page came from; none in VS Code or Colab, whose pages come from elsewhere. */
function findServer(): Address | undefined {
  const config = document.getElementById("jupyter-config-data")?.textContent;
  if (config) {
    const { baseUrl, token } = JSON.parse(config) as { baseUrl?: string; token?: string };
    if (baseUrl) return { baseUrl: withSlash(baseUrl), auth: "jupyter", token };
  }
  const baseUrl = document.body.dataset["baseUrl"];
  return baseUrl ? { baseUrl: withSlash(baseUrl), auth: "jupyter" } : undefined;
}

function withSlash(baseUrl: string): string {
  return `${baseUrl.replace(/\/*$/, "/")}agentchat/`;
}

function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  const host = el.appendChild(document.createElement("div"));
  const tell = (state: string) => {
    if (model.get("connection") === state) return;
    model.set("connection", state);
    model.save_changes();
  };
  const address = findServer();
  const read = (): MountOptions | undefined => {
    const panel = readPanelData(Object.fromEntries(TRAITS.map((trait) => [trait, model.get(trait)])));
    if (!panel || !address) return undefined;
    return {
      ...address,
      channelId: panel.channel_id,
      channelName: panel.channel_name,
      questionId: panel.question_id,
      pageUrl: panel.page_url,
      onConnection: tell,
    };
  };
  const options = read();
  if (!options) {
    const pageUrl = model.get("page_url");
    tell("unreachable");
    mountNotice(host, "Agent chat", "This page cannot reach the chat server by itself.", typeof pageUrl === "string" ? pageUrl : undefined);
    return () => {
      host.remove();
    };
  }
  const mounted = mount(host, options);
  const update = () => {
    const next = read();
    if (next) mounted.update(next);
  };
  model.on(CHANGES, update);
  return () => {
    model.off(CHANGES, update);
    mounted.dispose();
    host.remove();
  };
}

export default { render };
