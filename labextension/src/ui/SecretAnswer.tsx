/** A secret is typed unseen, sent, and forgotten: it is in no state and no draft of ours, only in its control until it is sent. */

import { useRef } from "preact/hooks";

import { leave } from "./focus";

interface Props {
  labelId: string;
  busy: boolean;
  onAnswer: (value: string) => void;
}

export function SecretAnswer({ labelId, busy, onAnswer }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const send = () => {
    const control = input.current;
    if (!control?.value || busy) return;
    const { value } = control;
    control.value = "";
    leave(control);
    onAnswer(value);
  };
  if (busy) {
    return (
      <p class="note" role="status">
        <span aria-hidden="true">••••</span> on its way
      </p>
    );
  }
  // No form around it, and "new-password": a browser would offer to keep what was sent.
  return (
    <div class="answer">
      <input
        ref={input}
        type="password"
        autocomplete="new-password"
        spellcheck={false}
        data-1p-ignore
        data-lpignore="true"
        aria-labelledby={labelId}
        placeholder="Told to the asker only"
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.isComposing) return;
          event.preventDefault();
          send();
        }}
      />
      <button
        class="primary"
        onClick={(event) => {
          leave(event.currentTarget);
          send();
        }}
      >
        Answer
      </button>
    </div>
  );
}
