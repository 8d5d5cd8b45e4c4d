/** What surrounds each control of a form: its name, what is said of it, and what is wrong with it. */

import type { ComponentChildren } from "preact";

import { mayBeAbsent, type Entries } from "./filling";
import type { Field, Problems } from "./forms";

export interface Filling {
  id: string;
  entries: Entries;
  wrong: Problems;
  change: (at: string, entry: Entries[string]) => void;
}

export interface FieldProps<Of extends Field = Field> {
  filling: Filling;
  field: Of;
  name: string;
  /** The field's place in the whole: `""`, `size`, `address.street`. */
  at: string;
  required: boolean;
  /** What names it instead of its own name: the question, where it is the whole answer. */
  labelId?: string | undefined;
}

/** A title that only spells the name in another way (`max_depth`, "Max Depth") would say it twice. */
function titleOf({ title }: Field, name: string): string | undefined {
  const bare = (text: string) => text.toLowerCase().replace(/[\s_-]/g, "");
  return title && bare(title) !== bare(name) ? title : undefined;
}

export function Name({ field, name }: FieldProps) {
  const title = titleOf(field, name);
  if (!title) return <>{name}</>;
  return (
    <>
      {title} <code>{name}</code>
    </>
  );
}

/** What is wrong at a place, or with an item of the list there. */
function wrongAt(wrong: Problems, at: string): string {
  return Object.entries(wrong)
    .filter(([place]) => place === at || (place.startsWith(`${at}[`) && place.endsWith("]")))
    .map(([place, what]) => (place === at ? what : `${Number(place.slice(at.length + 1, -1)) + 1}. ${what}`))
    .join("; ");
}

/** What belongs on each control: what it is called, what is said of it, and whether it is wrong. */
export function marks({ filling, field, at, required, labelId }: FieldProps, ...hints: (string | undefined)[]) {
  const id = `${filling.id}-${at}`;
  const problem = wrongAt(filling.wrong, at);
  const said = [field.description, ...hints].filter(Boolean).join(" ");
  const optional = at !== "" && mayBeAbsent(field, required);
  const described = [optional && `${id}-optional`, said && `${id}-said`, problem && `${id}-problem`];
  return {
    id,
    problem,
    said,
    optional,
    attributes: {
      "aria-labelledby": labelId ?? `${id}-name`,
      "aria-describedby": described.filter(Boolean).join(" ") || undefined,
      "aria-errormessage": problem ? `${id}-problem` : undefined,
      "aria-invalid": problem ? ("true" as const) : undefined,
      "aria-required": required && !field.nullable && field.type !== "boolean" ? ("true" as const) : undefined,
    },
  };
}

interface Around {
  mark: ReturnType<typeof marks>;
  children: ComponentChildren;
}

export function Notes({ id, said, problem }: ReturnType<typeof marks>) {
  return (
    <>
      {said && (
        <span id={`${id}-said`} class="hint">
          {said}
        </span>
      )}
      {problem && (
        <span id={`${id}-problem`} class="note problem">
          {problem}
        </span>
      )}
    </>
  );
}

function Optional({ id, optional }: ReturnType<typeof marks>) {
  return optional ? (
    <span id={`${id}-optional`} class="hint">
      optional
    </span>
  ) : null;
}

export function Row({ props, mark, children }: Around & { props: FieldProps }) {
  return (
    <div class="field">
      {!props.labelId && (
        <span class="caption">
          <label id={`${mark.id}-name`} for={mark.id}>
            <Name {...props} />
          </label>
          <Optional {...mark} />
        </span>
      )}
      {children}
      <Notes {...mark} />
    </div>
  );
}

export function Several({ props, mark, role, children }: Around & { props: FieldProps; role: "radiogroup" | "group" }) {
  const { "aria-required": required, ...attributes } = mark.attributes;
  return (
    <div class="field" role={role} {...attributes} aria-required={role === "radiogroup" ? required : undefined} tabIndex={mark.problem ? -1 : undefined}>
      {!props.labelId && (
        <span class="caption">
          <span id={`${mark.id}-name`} class="label">
            <Name {...props} />
          </span>
          <Optional {...mark} />
        </span>
      )}
      <div class="boxes">{children}</div>
      <Notes {...mark} />
    </div>
  );
}
