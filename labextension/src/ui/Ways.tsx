/** The ways to answer a question: a button a choice, boxes, a form, a text, an approval, a secret. */

import { useState } from "preact/hooks";

import type { Message, Question } from "../protocol";
import { ApprovalWays } from "./ApprovalView";
import { Form } from "./Form";
import { SecretAnswer } from "./SecretAnswer";
import { leave } from "./focus";
import type { Field, ListField, ScalarField } from "./forms";
import type { Entry } from "./outbox";
import { draft, keepDraft } from "./shared";

export interface WaysProps {
  /** The id of what is asked, as it is drawn: it names the control that answers it. */
  labelId: string;
  message: Message;
  question: Question;
  /** This human's own answer, on its way or refused. */
  pending: Entry | undefined;
  /** What this human said already, where several must say the same. */
  vote?: unknown;
  onAnswer: (value: unknown) => void;
}

export function Ways(props: WaysProps) {
  const { labelId, message, question, pending, vote, onAnswer } = props;
  const busy = pending !== undefined && pending.state !== "failed";
  if (question.kind === "approval") return <ApprovalWays {...props} busy={busy} />;
  if (question.kind === "secret") return <SecretAnswer labelId={labelId} busy={busy} onAnswer={onAnswer} />;
  const offered = offers(question);
  if (offered) {
    const taken = busy && pending.frame.type === "answer" ? pending.frame.value : undefined;
    return <Choices labelId={labelId} offers={offered} taken={taken} vote={vote} busy={busy} onAnswer={onAnswer} />;
  }
  const field = fieldOf(question);
  if (!field) return <FreeAnswer labelId={labelId} message={message} question={question} busy={busy} onAnswer={onAnswer} />;
  return (
    <Form
      id={message.id}
      field={field}
      initial={vote ?? question.initial ?? question.default}
      labelId={labelId}
      busy={busy}
      refused={pending?.error?.problems}
      onSubmit={onAnswer}
    />
  );
}

export interface Offer {
  text: string;
  value: unknown;
}

/** What is answered by one click: choices, yes or no, the values of an enum. */
export function offers({ choices, multiple, schema }: Question): Offer[] | undefined {
  if (choices) return multiple ? undefined : choices.map((choice) => ({ text: choice, value: choice }));
  const field = schema as Field | undefined;
  if (!field || field.type === "array" || field.type === "object") return undefined;
  const offered = scalarOffers(field);
  return offered && field.nullable ? [...offered, { text: "None", value: null }] : offered;
}

function scalarOffers(field: ScalarField): Offer[] | undefined {
  if (field.type !== "boolean") return field.enum?.map((value) => ({ text: String(value), value }));
  return [
    { text: "Yes", value: true },
    { text: "No", value: false },
  ];
}

/** The form that answers, if one does. Several of the choices are a list of them. */
function fieldOf({ choices, schema }: Question): Field | undefined {
  if (choices) return { type: "array", items: { type: "string", enum: choices }, uniqueItems: true } satisfies ListField;
  return schema as Field | undefined;
}

interface ChoicesProps {
  labelId: string;
  offers: Offer[];
  taken: unknown;
  vote: unknown;
  busy: boolean;
  onAnswer: (value: unknown) => void;
}

function Choices({ labelId, offers, taken, vote, busy, onAnswer }: ChoicesProps) {
  return (
    <div class="choices" role="group" aria-labelledby={labelId}>
      {offers.map(({ text, value }) => (
        <button
          key={text}
          class={busy && taken === value ? "choice taken" : "choice"}
          aria-pressed={vote === undefined ? undefined : vote === value}
          disabled={busy}
          onClick={(event) => {
            leave(event.currentTarget);
            onAnswer(value);
          }}
        >
          {text}
        </button>
      ))}
    </div>
  );
}

function FreeAnswer({ labelId, message, question, busy, onAnswer }: Omit<WaysProps, "pending"> & { busy: boolean }) {
  const initial = typeof question.initial === "string" ? question.initial : "";
  const [text, setText] = useState(() => draft(message.id) || initial);
  const answer = (from: HTMLElement) => {
    if (!text.trim() || busy) return;
    leave(from);
    keepDraft(message.id, "");
    onAnswer(text.trim());
  };
  return (
    <div class="answer">
      <textarea
        rows={1}
        aria-labelledby={labelId}
        placeholder="Your answer"
        value={text}
        disabled={busy}
        onInput={(event) => {
          setText(event.currentTarget.value);
          keepDraft(message.id, event.currentTarget.value);
        }}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          answer(event.currentTarget);
        }}
      />
      <button
        class="primary"
        disabled={busy || !text.trim()}
        onClick={(event) => {
          answer(event.currentTarget);
        }}
      >
        Answer
      </button>
    </div>
  );
}
