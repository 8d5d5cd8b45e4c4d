/** Many questions as one inbox: one at a time, answered by keys, the last answer taken back with u. */

import type { RefObject } from "preact";
import { useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

import type { Message } from "../protocol";
import { QuestionCard } from "./QuestionView";
import { offers } from "./Ways";
import { following, indexOf, lastOwn, waiting, type Inbox } from "./batches";
import type { Conversation, Snapshot } from "./conversation";
import { ending, lineOf } from "./format";
import { reopen } from "./handling";
import { Refusal, Unreachable } from "./rest";
import { isOpenQuestion } from "./store";
import { Via } from "./via";

interface Props {
  inbox: Inbox;
  conversation: Conversation;
  snapshot: Snapshot;
}

/** A key that was meant for what stood there before somebody else answered it, in milliseconds. */
const STARTLED_FOR = 600;
/** The second click of a double click, which falls on the next question. */
const BOUNCED_FOR = 300;
/** Of the answers that were given, so many are drawn before the rest is asked for. */
const ANSWERS = 100;

export function BatchView({ inbox, conversation, snapshot }: Props) {
  const { outbox, me } = snapshot;
  const box = useRef<HTMLElement>(null);
  const via = useContext(Via);
  const [cursor, setCursor] = useState<string>();
  const open = useMemo(() => waiting(inbox, outbox), [inbox, outbox]);
  const current = following(inbox, open, cursor);
  const asker = inbox.items[0]?.author_name ?? "";
  const name = inbox.name || `Questions by ${asker}`;
  const last = lastOwn(inbox, outbox, me?.id);
  const { note, undo } = useUndo(conversation, last, setCursor);
  const { startled, bounced, startle } = useStartled(inbox, open, current, cursor, me?.id);
  useBroughtBack(inbox, snapshot, box, (id) => {
    startle();
    setCursor(id);
  });
  const flows = useFocusFlows(box, current);
  const [used, setUsed] = useState(false);
  useEffect(() => {
    // Who has not begun gets the first, also if it is loaded last.
    if (used && current) setCursor(current.id);
  }, [used, current?.id]);
  const answered = inbox.items.filter((item) => item.question?.state !== "open");
  const done = Math.min(inbox.total, inbox.closed + inbox.items.filter(isOpenQuestion).length - open.length);
  const step = (by: 1 | -1) => {
    const place = open.findIndex((item) => item.id === current?.id);
    setCursor(open[(place + by + open.length) % open.length]?.id);
  };
  const press = (key: string, target: Element): boolean => {
    if (key === "u") undo();
    else if (key === "ArrowLeft" || key === "ArrowRight") step(key === "ArrowLeft" ? -1 : 1);
    else if (key === "Enter" && target === box.current) answerButton(target)?.click();
    else if (/^[1-9]$/.test(key) && current) return choose(Number(key) - 1, current);
    else return false;
    return true;
  };
  const choose = (place: number, message: Message): boolean => {
    const offered = message.question ? offers(message.question) : undefined;
    if (!offered) {
      // Several may be chosen: each key turns its own on or off.
      box.current?.querySelectorAll<HTMLInputElement>(".card :is([type=checkbox], [type=radio])")[place]?.click();
      return true;
    }
    const offer = offered[place];
    // Only what can be clicked: who is not asked has no buttons.
    if (offer && box.current?.querySelector(".card .choices")) conversation.answer(message, offer.value, via);
    return true;
  };
  return (
    <section
      ref={box}
      class="batch"
      role="group"
      aria-label={`${name}, ${done} of ${inbox.total} done`}
      tabIndex={0}
      onFocusCapture={() => {
        setUsed(true);
      }}
      onKeyDown={(event) => {
        const target = event.target as Element;
        if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
        if (event.key === "Escape") box.current?.focus({ preventScroll: true });
        else if (event.repeat || startled() || takesKeys(target, event.key)) return;
        else if (press(event.key, target)) event.preventDefault();
      }}
      onKeyDownCapture={flows}
      onClickCapture={(event) => {
        flows(event);
        if (!(startled() || (event.detail > 1 && bounced())) || !(event.target as Element).closest(".card")) return;
        event.preventDefault();
        event.stopPropagation();
      }}
    >
      {/* Each answer changes it: who listens hears the next question instead. */}
      <div class="batch-head" aria-live="off">
        <span class="name">{name}</span>
        <span class="tally">
          {done} of {inbox.total}
        </span>
        <span class="bar" role="progressbar" aria-label={name} aria-valuemin={0} aria-valuemax={inbox.total} aria-valuenow={done}>
          <span style={{ width: `${(100 * done) / inbox.total}%` }} />
        </span>
      </div>
      {current?.question && (
        <article class="question open" data-question={current.id} aria-label={`Question ${indexOf(current) + 1} of ${inbox.total} by ${asker}`}>
          <QuestionCard key={current.id} message={current} question={current.question} conversation={conversation} snapshot={snapshot} />
        </article>
      )}
      {!current && (
        <p class="rest">
          {done >= inbox.total ? `All ${inbox.total} are done.` : `${asker} has not asked the next one yet.`}
        </p>
      )}
      <div class="batch-foot">
        <Step label="Previous open question" disabled={open.length < 2} onStep={() => { step(-1); }} arrow="←" />
        <Step label="Next open question" disabled={open.length < 2} onStep={() => { step(1); }} arrow="→" />
        <button class="quiet" disabled={!last} onClick={undo}>
          Undo
        </button>
        {current && <span class="keys">Keys: 1–9 choose, ← → move, u undoes</span>}
        <span class="note" role="status">
          {note ?? overtaken(inbox, snapshot)}
        </span>
      </div>
      {answered.length > 0 && <Answered answered={answered} more={inbox.closed - answered.length} />}
    </section>
  );
}

function Step({ label, arrow, disabled, onStep }: { label: string; arrow: string; disabled: boolean; onStep: () => void }) {
  return (
    <button class="quiet" aria-label={label} disabled={disabled} onClick={onStep}>
      {arrow}
    </button>
  );
}

/** Keys that a field needs for itself. */
function takesKeys(target: Element, key: string): boolean {
  if (target instanceof HTMLInputElement && target.type === "checkbox") return key === "Enter";
  if (target instanceof HTMLInputElement && target.type === "radio") return key === "Enter" || key.startsWith("Arrow");
  return target.matches("input, textarea, select");
}

function answerButton(within: Element): HTMLElement | undefined {
  return [...within.querySelectorAll<HTMLElement>(".card button")].find(({ textContent }) => textContent === "Answer");
}

/** Somebody else was faster with what this human answered last. */
function overtaken(inbox: Inbox, { outbox }: Snapshot): string {
  const entry = outbox.findLast(({ frame }) => frame.type === "answer" && inbox.items.some(({ id }) => id === frame.message_id));
  return entry?.error?.code === "already_closed" ? `The last one was already answered by ${entry.error.by_name ?? "somebody else"}.` : "";
}

/** What somebody else has just answered goes under the fingers of who was about to: for a moment nothing they press counts. */
function useStartled(inbox: Inbox, open: readonly Message[], current: Message | undefined, cursor: string | undefined, me: string | undefined) {
  const before = useRef<string>();
  const at = useRef(-Infinity);
  const answeredAt = useRef(-Infinity);
  const startle = () => {
    at.current = performance.now();
  };
  useLayoutEffect(() => {
    const last = inbox.items.find(({ id }) => id === before.current);
    before.current = current?.id;
    if (!last || current?.id === cursor) return;
    const isAnsweredHere = last.question?.closing ? last.question.closing.by_id === me : !open.includes(last);
    if (isAnsweredHere) answeredAt.current = performance.now();
    else startle();
  }, [current?.id]);
  return {
    startled: () => performance.now() - at.current < STARTLED_FOR,
    bounced: () => performance.now() - answeredAt.current < BOUNCED_FOR,
    startle,
  };
}

/** Takes the last own answer back; one that is still on its way, as soon as it has arrived. */
function useUndo(conversation: Conversation, last: Message | undefined, onReopened: (id: string) => void) {
  const [wanted, setWanted] = useState<string>();
  const [note, setNote] = useState<string>();
  const arrived = wanted !== undefined && last?.id === wanted && !isOpenQuestion(last) ? last : undefined;
  useEffect(() => {
    if (!arrived) return;
    setWanted(undefined);
    reopen(conversation, arrived).then(
      () => {
        setNote("Taken back.");
        onReopened(arrived.id);
      },
      (error: unknown) => {
        if (!(error instanceof Refusal || error instanceof Unreachable)) throw error;
        const used = error instanceof Refusal && error.body.code === "already_used";
        setNote(used ? `${arrived.author_name} has gone on with your last answer: it can no longer be taken back.` : error.message);
      },
    );
  }, [arrived?.id]);
  useEffect(() => {
    // What was said of the last one is not true of the next.
    if (last && isOpenQuestion(last)) setNote(undefined);
  }, [last?.id]);
  const undo = () => {
    if (last) setWanted(last.id);
  };
  return { note, undo };
}

/** What was refused is asked again at once, unless something is being typed: then it is the next. */
function useBroughtBack(inbox: Inbox, { outbox }: Snapshot, box: RefObject<HTMLElement>, bring: (id: string) => void): void {
  const seen = useRef(new Set<string>());
  useEffect(() => {
    for (const { frame, state } of outbox) {
      if (state !== "failed" || frame.type !== "answer" || seen.current.has(frame.client_id)) continue;
      if (!inbox.items.some((item) => item.id === frame.message_id && isOpenQuestion(item))) continue;
      const focused = focusedIn(box);
      if (focused && takesKeys(focused, "a")) return;
      seen.current.add(frame.client_id);
      bring(frame.message_id);
    }
  }, [outbox, inbox]);
}

/** Who answered in a field, or by the button of a form, goes on in the first field of the next. */
function useFocusFlows(box: RefObject<HTMLElement>, current: Message | undefined): (event: Event) => void {
  const inForm = useRef(false);
  useLayoutEffect(() => {
    // `leave` brings the focus here from what was used; from elsewhere nobody is fetched.
    if (!inForm.current || !box.current || focusedIn(box) !== box.current) return;
    inForm.current = false;
    box.current.querySelector<HTMLElement>(".card :is(textarea, input, select)")?.focus({ preventScroll: true });
  }, [current?.id]);
  return ({ target }) => {
    inForm.current = (target as Element).closest(".card :is(form, .answer)") !== null;
  };
}

function focusedIn(box: RefObject<HTMLElement>): Element | null | undefined {
  return (box.current?.getRootNode() as ShadowRoot | undefined)?.activeElement;
}

function Answered({ answered, more }: { answered: readonly Message[]; more: number }) {
  const [open, setOpen] = useState(false);
  const [all, setAll] = useState(false);
  const shown = all ? answered : answered.slice(-ANSWERS);
  return (
    <details
      aria-live="off"
      onToggle={(event) => {
        setOpen(event.currentTarget.open);
      }}
    >
      <summary>{answered.length === 1 ? "1 answer" : `${answered.length} answers`}</summary>
      {open && (
        <>
          {more > 0 && <p class="note">{more} more are further back in the conversation.</p>}
          {shown.length < answered.length && (
            <button class="quiet" onClick={() => { setAll(true); }}>
              Show all {answered.length}
            </button>
          )}
          <ol>
            {shown.map((item) => (
              <Answer key={item.id} item={item} />
            ))}
          </ol>
        </>
      )}
    </details>
  );
}

function Answer({ item }: { item: Message }) {
  if (!item.question) return null;
  const { text, value } = ending(item.question, item.question.closing);
  return (
    <li value={indexOf(item) + 1}>
      <span class="what">{firstLine(item)}</span> · {text} {value !== undefined && <strong>{value}</strong>}
    </li>
  );
}

/** What tells one question from the next: what is shown beside it, if anything is, for they are mostly asked in the same words. */
function firstLine({ content, parts }: Message): string {
  for (const { data } of parts ?? []) {
    const text = typeof data === "object" && data !== null && "text/plain" in data ? data["text/plain"] : undefined;
    if (typeof text === "string" && text.trim()) return lineOf(text);
  }
  return lineOf(content);
}
