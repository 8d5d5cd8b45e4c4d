/** An approval: what will be done with which arguments, and a human's word on it. */

import { useState } from "preact/hooks";

import type { Approval } from "../protocol";
import { Form } from "./Form";
import type { WaysProps } from "./Ways";
import { decisionOf, isSame, plainText } from "./decision";
import { leave } from "./focus";
import type { Field, ObjectField } from "./forms";
import { draft, keepDraft } from "./shared";

export function ApprovalWays({ labelId, message, question, pending, vote, busy, onAnswer }: WaysProps & { busy: boolean }) {
  const approval = question.approval ?? { action: "" };
  const own = decisionOf(vote);
  const form = editForm(approval);
  const [editing, setEditing] = useState(pending?.error?.problems !== undefined);
  const [always, setAlways] = useState(false);
  const [comment, setComment] = useState(() => draft(message.id) || (own?.comment ?? ""));
  const { arguments: given = {} } = approval;
  const said = comment.trim() ? { comment: comment.trim() } : {};
  const decide = (value: Record<string, unknown>) => {
    keepDraft(message.id, "");
    onAnswer({ ...value, ...said });
  };
  const approve = (edited: Record<string, unknown> = {}) => {
    const changed = Object.entries(edited).filter(([name, value]) => !isSame(value, given[name]));
    decide({ approved: true, ...(changed.length > 0 ? { arguments: Object.fromEntries(changed) } : {}), ...(always ? { always } : {}) });
  };
  const words = (
    <div class="words">
      <input
        type="text"
        aria-label="Comment"
        placeholder="Comment or reason"
        autocomplete="off"
        value={comment}
        disabled={busy}
        onInput={(event) => {
          setComment(event.currentTarget.value);
          keepDraft(message.id, event.currentTarget.value);
        }}
      />
      {approval.always && (
        <label class="box">
          <input
            type="checkbox"
            checked={always}
            disabled={busy}
            onChange={(event) => {
              setAlways(event.currentTarget.checked);
            }}
          />
          <span>Always for this notebook</span>
        </label>
      )}
    </div>
  );
  const others = (
    <>
      <button
        class="choice plain"
        type="button"
        aria-expanded={editing}
        disabled={busy || !form}
        title={form ? undefined : "None of the arguments may be changed"}
        onClick={(event) => {
          const card = event.currentTarget.closest(".card");
          setEditing(!editing);
          // Its buttons are pushed down by the form: they stay in sight.
          requestAnimationFrame(() => setTimeout(() => card?.querySelector(".actions")?.scrollIntoView({ block: "nearest" })));
        }}
      >
        Edit
      </button>
      <button
        class="choice bad"
        type="button"
        disabled={busy}
        onClick={(event) => {
          leave(event.currentTarget);
          decide({ approved: false });
        }}
      >
        Reject
      </button>
    </>
  );
  const fixed = Object.fromEntries(Object.entries(given).filter(([name]) => !editing || !form || !Object.hasOwn(form.properties, name)));
  return (
    <>
      <Arguments values={fixed} />
      {editing && form ? (
        <Form
          id={message.id}
          field={form}
          initial={{ ...given, ...own?.arguments }}
          labelId={labelId}
          busy={busy}
          refused={argumentProblems(pending?.error?.problems)}
          button="Approve"
          sendsOnEnter={false}
          beside={others}
          onSubmit={(value) => {
            approve(value as Record<string, unknown>);
          }}
        >
          {words}
        </Form>
      ) : (
        <>
          {words}
          <div class="actions">
            <button
              class="primary"
              disabled={busy}
              onClick={(event) => {
                leave(event.currentTarget);
                approve();
              }}
            >
              Approve
            </button>
            {others}
          </div>
        </>
      )}
    </>
  );
}

/** Arguments by name; of what is long, as much as fits, and the rest by scrolling. */
export function Arguments({ values, edited = {} }: { values: Record<string, unknown>; edited?: Record<string, unknown> }) {
  const names = Object.keys(values);
  if (names.length === 0) return null;
  return (
    <dl class="arguments">
      {names.map((name) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {Object.hasOwn(edited, name) ? (
              <>
                <del>
                  <pre>{plainText(values[name])}</pre>
                </del>
                <ins>
                  <pre>{plainText(edited[name])}</pre>
                </ins>
              </>
            ) : (
              <pre>{plainText(values[name])}</pre>
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** The form of what may be changed; where the asker gave none, that of the values as they are. */
function editForm({ arguments: given = {}, editable = [], schema }: Approval): ObjectField | undefined {
  if (editable.length === 0) return undefined;
  if (schema) return schema as unknown as ObjectField;
  const properties = Object.fromEntries(
    editable.flatMap((name): [string, Field][] => {
      const value = given[name];
      if (typeof value === "string") return [[name, value.includes("\n") ? { type: "string", format: "multiline" } : { type: "string" }]];
      return typeof value === "boolean" || typeof value === "number" ? [[name, { type: typeof value as "boolean" | "number" }]] : [];
    }),
  );
  return Object.keys(properties).length > 0 ? { type: "object", properties, required: Object.keys(properties) } : undefined;
}

/** The hub names places within the whole decision, the form knows its own. */
function argumentProblems(problems: Record<string, string> | undefined): Record<string, string> | undefined {
  if (!problems) return undefined;
  return Object.fromEntries(Object.entries(problems).map(([place, what]) => [place.replace(/^arguments\.?/, ""), what]));
}
