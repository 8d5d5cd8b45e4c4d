import { useLayoutEffect, useRef, useState } from "preact/hooks";

import { draft, keepDraft } from "./shared";

interface Props {
  channelId: string;
  channelName: string;
  onSend: (text: string) => void;
  onTyping: () => void;
}

export function Composer({ channelId, channelName, onSend, onTyping }: Props) {
  const [text, setText] = useState(() => draft(channelId));
  const area = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    if (area.current) grow(area.current);
  }, [text]);
  const change = (to: string) => {
    setText(to);
    keepDraft(channelId, to);
  };
  const send = () => {
    if (!text.trim()) return;
    onSend(text.trim());
    change("");
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={area}
        rows={1}
        aria-label={`Message ${channelName}`}
        placeholder={`Message ${channelName}`}
        value={text}
        onInput={(event) => {
          change(event.currentTarget.value);
          if (event.currentTarget.value.trim()) onTyping();
        }}
        onKeyDown={(event) => {
          // Enter also ends the composition of an East Asian word; that one is not ours.
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          send();
        }}
      />
      <button class="send" type="submit" disabled={!text.trim()}>
        Send
      </button>
    </form>
  );
}

/** As tall as its text, where CSS cannot do it yet. A panel that is not in the document has no heights. */
function grow(area: HTMLTextAreaElement): void {
  if (CSS.supports("field-sizing", "content")) return;
  area.style.height = "auto";
  if (area.scrollHeight > 0) area.style.height = `${area.scrollHeight + 2}px`;
}
