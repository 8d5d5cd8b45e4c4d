/** The one user interface, mounted by the notebook renderer, the widget and the page. It knows nothing of JupyterLab. */

import { h, render } from "preact";

import { Notice } from "./Notice";
import { Panel } from "./Panel";
import type { ConnectionState, Conversation } from "./conversation";
import type { Address } from "./rest";
import { watchScheme } from "./scheme";
import { acquire, release } from "./shared";
import { STYLES } from "./styles";
import { Via } from "./via";

export interface MountOptions extends Address {
  channelId: string;
  channelName: string;
  /** The question that this panel was shown for; without it any open question counts. */
  questionId?: string | undefined;
  /** Where the same conversation can be had without this page. */
  pageUrl?: string | undefined;
  /** `page` and `sidebar` fill their host; `inline` is as tall as it must be, and no taller than fits a notebook. */
  layout?: "inline" | "sidebar" | "page";
  /** In layout `page`: where the other channels are. */
  backUrl?: string | undefined;
  /** An open question is on screen; called once a question. */
  onQuestionOpen?: () => void;
  onConnection?: (state: ConnectionState) => void;
  /** This server knows no such conversation, or does not show it to us. */
  onRefused?: () => void;
}

export interface Mounted {
  update(options: MountOptions): void;
  dispose(): void;
}

/** Draws the conversation into `host`, in a shadow root of its own. */
export function mount(host: HTMLElement, options: MountOptions): Mounted {
  const { root, stopWatching } = shadow(host);
  let conversation: Conversation = acquire(options, options.channelId);
  const draw = (current: MountOptions) => {
    const { layout = "inline", channelId } = current;
    const panel = h(Panel, { key: channelId, conversation, options: current });
    render(h(Via.Provider, { value: layout === "inline" ? "notebook" : layout }, panel), root);
  };
  draw(options);
  return {
    update(next) {
      if (next.channelId !== conversation.channelId || next.baseUrl !== conversation.address.baseUrl) {
        release(conversation);
        conversation = acquire(next, next.channelId);
      }
      draw(next);
    },
    dispose() {
      render(null, root);
      release(conversation);
      stopWatching();
    },
  };
}

/** A calm word where there is no conversation to draw. */
export function mountNotice(host: HTMLElement, title: string, text: string, pageUrl?: string): void {
  render(h(Notice, { title, text, pageUrl }), shadow(host).root);
}

/** A shadow root with our styles, for the panel and for whatever else a page draws around it. */
export function shadow(host: HTMLElement): { root: HTMLElement; stopWatching: () => void } {
  const tree = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const style = document.createElement("style");
  style.textContent = STYLES;
  const root = document.createElement("div");
  root.className = "root";
  tree.replaceChildren(style, root);
  // Lumino listens for its shortcuts on the document, before we hear of a key: "a" in our composer would add a cell.
  host.setAttribute("data-lm-suppress-shortcuts", "true");
  // A notebook refuses the line breaks of Shift+Enter to whatever is in it, for its editors' sake.
  root.addEventListener("beforeinput", (event) => {
    event.stopPropagation();
  });
  return { root, stopWatching: watchScheme(host) };
}
