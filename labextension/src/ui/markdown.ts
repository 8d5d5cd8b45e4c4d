/** Markdown from strangers → HTML that can do no more than be read. */

import createPurifier from "dompurify";
import { Marked } from "marked";

const marked = new Marked({ gfm: true, breaks: true });
const purifier = createPurifier(window);

// Beside what DOMPurify refuses: nothing that a reader could take for our own buttons, and no styles or ids of its own.
const POLICY = {
  USE_PROFILES: { html: true },
  FORBID_TAGS: ["audio", "button", "dialog", "form", "input", "label", "option", "picture", "select", "source", "style", "textarea", "video"],
  FORBID_ATTR: ["class", "id", "name", "srcset", "style", "tabindex", "role", "background"],
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
};

purifier.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName === "A") {
    node.setAttribute("target", "_blank");
    node.setAttribute("rel", "noopener noreferrer");
  }
  // An image from elsewhere would tell its server who reads this, and when; one from here would call what it names with the
  // reader's own cookies (/logout). A link does so only when somebody follows it.
  const source = node.tagName === "IMG" ? (node.getAttribute("src") ?? "") : undefined;
  if (source !== undefined && !source.startsWith("data:image/")) {
    const link = document.createElement("a");
    link.href = source;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    link.textContent = node.getAttribute("alt") || source;
    node.replaceWith(link);
  }
});

// What agents show as HTML: words, lists, tables and pictures, and nothing that could do or fetch anything.
const SHOWN = {
  ALLOWED_TAGS: [
    ..."a abbr b blockquote br caption code col colgroup dd del details div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins".split(" "),
    ..."kbd li mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr u ul var".split(" "),
  ],
  ALLOWED_ATTR: ["alt", "colspan", "dir", "height", "href", "lang", "rowspan", "scope", "src", "start", "title", "width"],
  ALLOWED_URI_REGEXP: /^(https?|mailto):/i,
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
};

export function htmlOf(html: string): string {
  return purifier.sanitize(html, SHOWN);
}

export function toHtml(markdown: string): string {
  return purifier.sanitize(marked.parse(markdown, { async: false }), POLICY);
}
