/** Forms in their normal form (`jupyter_agentchat/forms.py`): whether a value fits one, in the hub's own words, and `pattern`. */

type Scalar = string | number | boolean;

interface Common {
  title?: string;
  description?: string;
  default?: unknown;
  nullable?: boolean;
}

export interface TextField extends Common {
  type: "string";
  enum?: string[];
  format?: "date" | "date-time" | "time" | "email" | "uri" | "multiline";
  minLength?: number;
  maxLength?: number;
  pattern?: string;
}

export interface NumberField extends Common {
  type: "integer" | "number";
  enum?: number[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  multipleOf?: number;
}

export interface BooleanField extends Common {
  type: "boolean";
}

export interface ListField extends Common {
  type: "array";
  items: TextField | NumberField | BooleanField;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
}

export interface ObjectField extends Common {
  type: "object";
  properties: Record<string, Field>;
  required: string[];
}

export type ScalarField = TextField | NumberField | BooleanField;
export type Field = ScalarField | ListField | ObjectField;
/** What is wrong, by the place in the value: `size`, `tags[2]`, `address.street`; `""` is the whole. */
export type Problems = Readonly<Record<string, string>>;

export const NEEDED = "a value is needed";
/** No more are told at a time. */
const PROBLEMS = 20;
/** No list has more, whatever its form says. */
const ITEMS = 1000;

const WORDS = { string: "text", integer: "number", number: "number", boolean: "yes or no", array: "list", object: "form" };

export function problems(field: Field, value: unknown): Problems {
  const found: Record<string, string> = {};
  look(field, value, "", found);
  return Object.fromEntries(Object.entries(found).slice(0, PROBLEMS));
}

export function join(at: string, name: string): string {
  return at ? `${at}.${name}` : name;
}

function look(field: Field, value: unknown, at: string, found: Record<string, string>): void {
  if (value === null || value === undefined) {
    if (!field.nullable) found[at] = NEEDED;
  } else if (!isOf(field.type, value)) {
    found[at] = `${shown(value)} is ${field.type === "integer" ? "not a whole" : "no"} ${WORDS[field.type]}`;
  } else if (field.type === "object") {
    lookAtObject(field, value as Record<string, unknown>, at, found);
  } else if (field.type === "array") {
    lookAtList(field, value as unknown[], at, found);
  } else {
    const wrong = scalarProblem(field, value as Scalar);
    if (wrong) found[at] = wrong;
  }
}

function isOf(type: Field["type"], value: unknown): boolean {
  switch (type) {
    case "array":
      return Array.isArray(value);
    case "object":
      return typeof value === "object" && !Array.isArray(value);
    case "integer":
      return Number.isInteger(value) && Math.abs(value as number) <= 2 ** 53;
    case "number":
      return Number.isFinite(value);
    default:
      return typeof value === type;
  }
}

function lookAtObject(field: ObjectField, value: Record<string, unknown>, at: string, found: Record<string, string>): void {
  for (const name of Object.keys(value)) if (!Object.hasOwn(field.properties, name)) found[join(at, name)] = "there is no such field";
  for (const [name, each] of Object.entries(field.properties)) {
    if (Object.hasOwn(value, name)) look(each, value[name], join(at, name), found);
    else if (field.required.includes(name)) found[join(at, name)] = NEEDED;
  }
}

function lookAtList(field: ListField, value: unknown[], at: string, found: Record<string, string>): void {
  const { minItems = 0 } = field;
  const maxItems = Math.min(field.maxItems ?? ITEMS, ITEMS);
  if (value.length < minItems) found[at] = `give at least ${minItems}`;
  if (value.length > maxItems) {
    found[at] = `give at most ${maxItems}`;
    return;
  }
  for (const [place, item] of value.entries()) look(field.items, item, `${at}[${place}]`, found);
  if (field.uniqueItems && new Set(value).size < value.length) found[at] = "give each only once";
}

/** The last of what is wrong, as the hub has one text a place too. */
function scalarProblem(field: ScalarField, value: Scalar): string | undefined {
  const allowed: readonly Scalar[] | undefined = field.type === "boolean" ? undefined : field.enum;
  if (allowed) return allowed.includes(value) ? undefined : `${shown(value)} is not among ${few(allowed)}`;
  if (field.type === "string") return textProblems(field, value as string).at(-1);
  return field.type === "boolean" ? undefined : numberProblems(field, value as number).at(-1);
}

function textProblems(field: TextField, value: string): string[] {
  const found: string[] = [];
  const { minLength = 0, maxLength = Infinity, format, pattern } = field;
  const length = Array.from(value).length;
  if (length < minLength) found.push(`give at least ${minLength} character${minLength === 1 ? "" : "s"}`);
  if (length > maxLength) found.push(`give at most ${maxLength} characters`);
  const form = format && FORMATS[format];
  if (form && !form.isRight(value)) found.push(`${shown(value)} is not ${form.name}`);
  if (pattern !== undefined && !fits(pattern, value)) found.push(`${shown(value)} does not have the form ${pattern}`);
  return found;
}

/** JSON Schema's patterns are JavaScript's (2020-12, 6.4); one that JavaScript cannot read is left to the asker. */
function fits(pattern: string, value: string): boolean {
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    return true;
  }
}

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const TIME = /^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)?$/i;

const FORMATS: Partial<Record<string, { name: string; isRight: (text: string) => boolean }>> = {
  date: { name: "a date", isRight: isDate },
  time: { name: "a time", isRight: (text) => TIME.test(text) },
  "date-time": { name: "a date-time", isRight: (text) => /^.{10}[Tt ]/.test(text) && isDate(text.slice(0, 10)) && TIME.test(text.slice(11)) },
  email: { name: "an e-mail address", isRight: (text) => /^[^@\s]+@[^@\s]+$/.test(text) },
  uri: { name: "an address", isRight: (text) => /^[A-Za-z][A-Za-z0-9+.-]*:\S+$/.test(text) },
};

function isDate(text: string): boolean {
  const [, year = 0, month = 0, day = 0] = (DATE.exec(text) ?? []).map(Number);
  // Day 0 of the next month is the last of this one; years below 100 would mean 19xx to Date.
  return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= new Date(2000 + (year % 400), month, 0).getDate();
}

function numberProblems(field: NumberField, value: number): string[] {
  const found: string[] = [];
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf: step } = field;
  if (minimum !== undefined && value < minimum) found.push(`${value} is less than ${minimum}`);
  if (maximum !== undefined && value > maximum) found.push(`${value} is more than ${maximum}`);
  if (exclusiveMinimum !== undefined && value <= exclusiveMinimum) found.push(`${value} is not more than ${exclusiveMinimum}`);
  if (exclusiveMaximum !== undefined && value >= exclusiveMaximum) found.push(`${value} is not less than ${exclusiveMaximum}`);
  if (step !== undefined) {
    const ratio = value / step;
    const isWhole = Math.abs(ratio - Math.round(ratio)) <= 1e-9 * Math.max(1, Math.abs(ratio));
    if (!Number.isFinite(ratio) || !isWhole) found.push(`${value} is not a multiple of ${step}`);
  }
  return found;
}

/** As Python writes it, for the hub's words and ours are the same. */
export function shown(value: unknown): string {
  const text =
    typeof value === "string"
      ? quoted(value)
      : typeof value === "boolean"
        ? value
          ? "True"
          : "False"
        : typeof value === "number"
          ? String(value)
          : `a ${Array.isArray(value) ? "list" : "dict"}`;
  return cut(text);
}

function few(values: readonly Scalar[]): string {
  return values.slice(0, 10).map(shown).join(", ") + (values.length > 10 ? ", …" : "");
}

function cut(text: string): string {
  const letters = Array.from(text);
  return letters.length <= 100 ? text : `${letters.slice(0, 99).join("")}…`;
}

function quoted(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t");
  return mark + (mark === "'" ? escaped.replaceAll("'", "\\'") : escaped) + mark;
}
