/** The controls of a form, one a field. */

import { Name, Notes, Row, Several, marks, type FieldProps } from "./FieldFrame";
import { RADIOS, UNREADABLE, givenAt, isChecked, mayBeAbsent, mayBeNone, type Entries } from "./filling";
import { join, type ListField, type ObjectField, type ScalarField } from "./forms";

export function Control(props: FieldProps) {
  const { field } = props;
  switch (field.type) {
    case "object":
      return <Group {...props} field={field} />;
    case "array":
      return isChecked(field) ? <Boxes {...props} field={field} /> : <Lines {...props} field={field} />;
    case "boolean":
      return field.nullable ? <Select {...props} field={field} options={YES_NO} /> : <Box {...props} />;
    default: {
      if (!field.enum) return <Input {...props} field={field} />;
      const options = field.enum.map((value) => ({ value: String(value), text: String(value) }));
      return options.length <= RADIOS ? <Radios {...props} field={field} options={options} /> : <Select {...props} field={field} options={options} />;
    }
  }
}

interface Option {
  value: string;
  text: string;
}

const YES_NO: Option[] = [
  { value: "true", text: "Yes" },
  { value: "false", text: "No" },
];

const TYPES = { date: "date", "date-time": "datetime-local", time: "time", email: "email", uri: "url", multiline: "text" };

function textAt(entries: Entries, at: string): string {
  const entry = entries[at];
  return typeof entry === "string" && entry !== UNREADABLE ? entry : "";
}

function Input(props: FieldProps<Exclude<ScalarField, { type: "boolean" }>>) {
  const { filling, field, at } = props;
  const mark = marks(props);
  const value = textAt(filling.entries, at);
  if (field.type === "string" && (field.format === "multiline" || (!field.format && (field.maxLength ?? 0) > 200))) {
    return (
      <Row props={props} mark={mark}>
        <textarea id={mark.id} {...mark.attributes} rows={2} value={value} onInput={(event) => { filling.change(at, event.currentTarget.value); }} />
      </Row>
    );
  }
  const numeric = field.type !== "string" && {
    step: field.multipleOf ?? (field.type === "integer" ? 1 : "any"),
    min: field.minimum ?? field.exclusiveMinimum,
    max: field.maximum ?? field.exclusiveMaximum,
    inputMode: field.type === "integer" && (field.minimum ?? -1) >= 0 ? ("numeric" as const) : ("decimal" as const),
  };
  return (
    <Row props={props} mark={mark}>
      <input
        id={mark.id}
        {...mark.attributes}
        type={field.type !== "string" ? "number" : field.format ? TYPES[field.format] : "text"}
        {...numeric}
        value={value}
        onInput={(event) => {
          const { validity, value: text } = event.currentTarget;
          filling.change(at, validity.badInput ? UNREADABLE : text);
        }}
      />
    </Row>
  );
}

function Lines(props: FieldProps<ListField>) {
  const { filling, at } = props;
  const mark = marks(props, "One a line.");
  return (
    <Row props={props} mark={mark}>
      <textarea id={mark.id} {...mark.attributes} rows={3} value={textAt(filling.entries, at)} onInput={(event) => { filling.change(at, event.currentTarget.value); }} />
    </Row>
  );
}

function Select(props: FieldProps & { options: Option[] }) {
  const { filling, field, at, required, options } = props;
  const mark = marks(props);
  const value = textAt(filling.entries, at);
  return (
    <Row props={props} mark={mark}>
      <select id={mark.id} {...mark.attributes} value={value} onChange={(event) => { filling.change(at, event.currentTarget.value); }}>
        {(value === "" || mayBeNone(field, required)) && <option value="">{mayBeNone(field, required) ? "–" : "Choose…"}</option>}
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
      </select>
    </Row>
  );
}

function Box(props: FieldProps) {
  const { filling, at } = props;
  const mark = marks(props);
  return (
    <div class="field">
      <label class="box">
        <input type="checkbox" id={mark.id} {...mark.attributes} checked={filling.entries[at] === true} onChange={(event) => { filling.change(at, event.currentTarget.checked); }} />
        <span id={`${mark.id}-name`}>
          <Name {...props} />
        </span>
      </label>
      <Notes {...mark} />
    </div>
  );
}

function Radios(props: FieldProps & { options: Option[] }) {
  const { filling, field, at, required, options } = props;
  const mark = marks(props);
  const value = textAt(filling.entries, at);
  const shown = mayBeNone(field, required) ? [...options, { value: "", text: "–" }] : options;
  return (
    <Several props={props} mark={mark} role="radiogroup">
      {shown.map((option) => (
        <label key={option.value} class="box">
          <input type="radio" name={mark.id} value={option.value} checked={value === option.value} onChange={() => { filling.change(at, option.value); }} />
          <span>{option.text}</span>
        </label>
      ))}
    </Several>
  );
}

function Boxes(props: FieldProps<ListField>) {
  const { filling, field, at } = props;
  const entry = filling.entries[at];
  const checked = Array.isArray(entry) ? (entry as string[]) : [];
  const options = field.items.type === "boolean" ? [] : (field.items.enum ?? []).map(String);
  return (
    <Several props={props} mark={marks(props)} role="group">
      {options.map((option) => (
        <label key={option} class="box">
          <input
            type="checkbox"
            checked={checked.includes(option)}
            onChange={(event) => {
              // In the order in which they were offered, whatever the order of the clicks.
              const isIn = (each: string) => (each === option ? event.currentTarget.checked : checked.includes(each));
              filling.change(at, options.filter(isIn));
            }}
          />
          <span>{option}</span>
        </label>
      ))}
    </Several>
  );
}

function Group(props: FieldProps<ObjectField>) {
  const { filling, field, at, required } = props;
  const mark = marks(props);
  const optional = at !== "" && mayBeAbsent(field, required);
  const given = !optional || filling.entries[givenAt(at)] === true;
  const fields = Object.entries(field.properties).map(([name, each]) => (
    <Control key={name} filling={filling} field={each} name={name} at={join(at, name)} required={field.required.includes(name)} />
  ));
  if (at === "") {
    return (
      <>
        <Notes {...mark} />
        {fields}
      </>
    );
  }
  return (
    <fieldset class="group" {...mark.attributes} aria-required={undefined} tabIndex={mark.problem ? -1 : undefined}>
      <legend>
        {optional ? (
          <label class="box">
            <input type="checkbox" checked={given} onChange={(event) => { filling.change(givenAt(at), event.currentTarget.checked); }} />
            <span id={`${mark.id}-name`}>
              <Name {...props} />
            </span>
          </label>
        ) : (
          <span id={`${mark.id}-name`}>
            <Name {...props} />
          </span>
        )}
      </legend>
      <Notes {...mark} />
      {given && fields}
    </fieldset>
  );
}
