/** A form that is drawn from a schema in its normal form. */

import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";

import { Control } from "./Control";
import type { Filling } from "./FieldFrame";
import { begin, collect, type Entries } from "./filling";
import { problems, type Field, type Problems } from "./forms";
import { draft, keepDraft } from "./shared";
import { leave } from "./focus";

interface Props {
  /** Of what is asked, not of the component: what was typed is found again by it when the form is drawn anew. */
  id: string;
  field: Field;
  initial?: unknown;
  /** What names the control when the form is only one. */
  labelId: string;
  busy: boolean;
  /** What the hub found wrong with the last answer. */
  refused?: Problems | undefined;
  button?: string;
  /** Enter in a field presses the button. Not where that would do what was perhaps not meant. */
  sendsOnEnter?: boolean;
  onSubmit: (value: unknown) => void;
  /** Stands above the button. */
  children?: ComponentChildren;
  /** Stands beside it. */
  beside?: ComponentChildren;
}

export function Form({ id, field, initial, labelId, busy, refused = {}, button = "Answer", sendsOnEnter = true, onSubmit, children, beside }: Props) {
  const key = `form ${id}`;
  const [entries, setEntries] = useState<Entries>(() => restored(key) ?? begin(field, initial));
  const [tried, setTried] = useState(false);
  /** The refusal that has been seen: what was changed since may be right now. */
  const [settled, setSettled] = useState<Problems>();
  const form = useRef<HTMLFormElement>(null);
  const wrongWith = (filled: Entries): { value: unknown; wrong: Problems } => {
    const { value, unread } = collect(field, filled);
    return { value, wrong: { ...problems(field, value), ...unread } };
  };
  const wrong = { ...(tried ? wrongWith(entries).wrong : {}), ...(refused === settled ? {} : refused) };
  const filling: Filling = {
    id,
    entries,
    wrong,
    change: (at, entry) => {
      const next = { ...entries, [at]: entry };
      setEntries(next);
      setSettled(refused);
      keepDraft(key, JSON.stringify(next));
    },
  };
  const submit = () => {
    if (busy) return;
    const found = wrongWith(entries);
    setTried(true);
    setSettled(refused);
    if (Object.keys(found.wrong).length > 0) {
      // Once it is drawn, and the log has followed what has become longer: then the first that is wrong says so itself.
      requestAnimationFrame(() => setTimeout(() => {
        const first = form.current?.querySelector<HTMLElement>("[aria-invalid=true]");
        first?.focus({ preventScroll: true });
        first?.closest(".field")?.scrollIntoView({ block: "nearest" });
      }));
      return;
    }
    if (form.current) leave(form.current);
    keepDraft(key, "");
    onSubmit(found.value);
  };
  return (
    <form
      ref={form}
      class="form"
      noValidate
      autocomplete="off"
      onKeyDown={(event) => {
        if (event.key === "Enter" && !sendsOnEnter && event.target instanceof HTMLInputElement) event.preventDefault();
      }}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <fieldset class="fields" disabled={busy}>
        <Control filling={filling} field={field} name="" at="" required labelId={labelId} />
      </fieldset>
      {children}
      <div class="actions">
        <button class="primary" type="submit" disabled={busy}>
          {button}
        </button>
        {beside}
      </div>
    </form>
  );
}

function restored(key: string): Entries | undefined {
  const kept = draft(key);
  return kept ? (JSON.parse(kept) as Entries) : undefined;
}
