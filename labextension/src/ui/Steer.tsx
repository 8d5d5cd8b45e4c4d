/** The buttons that steer an agent, at its line in "Happening now". What is asked is told to everybody by the hub, and shown from there. */

import type { RefObject } from "preact";
import { useContext, useLayoutEffect, useRef, useState, type MutableRef } from "preact/hooks";

import type { CreateIntent, IntentKind } from "../protocol";
import { Refusal, Unreachable, call, uniqueId, type Address } from "./rest";
import { draft, keepDraft } from "./shared";
import { Via } from "./via";

export interface Steered {
  address: Address;
  channelId: string;
  agentId: string;
  name: string;
  /** Its run, if it has one. */
  run: string | undefined;
}

const NAMES: Record<IntentKind, string> = { pause: "Pause", resume: "Resume", stop: "Stop", steer: "Steer" };

type Open = "stop" | "steer" | undefined;

export function Steer({ steered, ways }: { steered: Steered; ways: readonly IntentKind[] }) {
  const [open, setOpen] = useState<Open>();
  const box = useRef<HTMLDivElement>(null);
  const { busy, problem, ask } = useAsking(steered);
  const hadFocus = useFocusFollows(box, open);
  const shown = open && ways.includes(open) ? open : undefined;
  const close = () => {
    hadFocus.current = isFocusIn(box.current);
    setOpen(undefined);
  };
  const done = (isDone: boolean) => {
    if (isDone) close();
  };
  return (
    <div
      ref={box}
      class="steer"
      role="group"
      aria-label={steered.name}
      onKeyDown={(event) => {
        if (event.key === "Escape" && shown) close();
      }}
    >
      {shown === "stop" && (
        <>
          <span>Stop {steered.run ?? steered.name}?</span>
          <button
            class="quiet bad"
            data-first
            aria-disabled={busy}
            onClick={(event) => {
              if (isMeant(event, busy)) void ask("stop").then(done);
            }}
          >
            Yes, stop
          </button>
          <button class="quiet" onClick={close}>
            Cancel
          </button>
        </>
      )}
      {shown === "steer" && <SteerText steered={steered} busy={busy} onSend={(text) => void ask("steer", text).then(done)} onCancel={close} />}
      {!shown &&
        ways.map((kind) => (
          <button
            // Pause becomes Resume under the focus of who pressed it: so it is one button, and is never disabled.
            key={kind === "resume" ? "pause" : kind}
            class="quiet"
            data-way={kind}
            aria-disabled={busy}
            onClick={(event) => {
              if (!isMeant(event, busy)) return;
              if (kind === "stop" || kind === "steer") setOpen(kind);
              else void ask(kind);
            }}
          >
            {NAMES[kind]}
          </button>
        ))}
      {problem && (
        <p class="note problem" role="status">
          {problem}
        </p>
      )}
    </div>
  );
}

/** The second click of a double click falls on what the first one brought. */
function isMeant(event: MouseEvent, busy: boolean): boolean {
  return !busy && event.detail < 2;
}

function SteerText({ steered, busy, onSend, onCancel }: { steered: Steered; busy: boolean; onSend: (text: string) => void; onCancel: () => void }) {
  const key = draftKey(steered);
  const [text, setText] = useState(() => draft(key));
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() && !busy) onSend(text.trim());
      }}
    >
      <input
        type="text"
        data-first
        aria-label={`Steer ${steered.name}`}
        placeholder={`What ${steered.name} should do now`}
        maxLength={10_000}
        autocomplete="off"
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          keepDraft(key, event.currentTarget.value);
        }}
      />
      <button class="primary" type="submit" disabled={!text.trim()} aria-disabled={busy}>
        Send
      </button>
      <button class="quiet" type="button" onClick={onCancel}>
        Cancel
      </button>
    </form>
  );
}

function draftKey({ channelId, agentId }: Steered): string {
  return `steer ${channelId} ${agentId}`;
}

/** Asks an agent for something. What was refused, or not heard, is said; asked again in the same words it is asked once. */
function useAsking(steered: Steered) {
  const { address, channelId, agentId } = steered;
  const via = useContext(Via);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const unheard = useRef<{ kind: IntentKind; text: string | undefined; clientId: string }>();
  const ask = async (kind: IntentKind, text?: string): Promise<boolean> => {
    const last = unheard.current;
    const clientId = last?.kind === kind && last.text === text ? last.clientId : uniqueId();
    const wish: Omit<CreateIntent, "channel_id"> = { agent_id: agentId, kind, ...(text === undefined ? {} : { text }), client_id: clientId, via };
    setBusy(true);
    setProblem(undefined);
    try {
      await call(address, "POST", `channels/${channelId}/intents`, wish);
      unheard.current = undefined;
      if (kind === "steer") keepDraft(draftKey(steered), "");
      return true;
    } catch (error) {
      if (!(error instanceof Refusal || error instanceof Unreachable)) throw error;
      unheard.current = error instanceof Unreachable ? { kind, text, clientId } : undefined;
      setProblem(error.message);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, problem, ask };
}

/** Who opened something is in it, and is back at its button when it closes. Nobody else's focus is touched. */
function useFocusFollows(box: RefObject<HTMLDivElement>, open: Open): MutableRef<boolean> {
  const before = useRef<Open>();
  const hadFocus = useRef(false);
  // Before anybody sees it: a key pressed right then is meant for it.
  useLayoutEffect(() => {
    const last = before.current;
    before.current = open;
    if (last === open || !box.current || !(open ?? hadFocus.current)) return;
    const find = open ? "[data-first]" : `[data-way="${last ?? ""}"]`;
    // The button may be gone with what it asked for: then the first that is there.
    (box.current.querySelector<HTMLElement>(find) ?? box.current.querySelector<HTMLElement>("button"))?.focus({ preventScroll: true });
  }, [open]);
  return hadFocus;
}

function isFocusIn(element: HTMLElement | null): boolean {
  return element?.contains((element.getRootNode() as ShadowRoot).activeElement) ?? false;
}
