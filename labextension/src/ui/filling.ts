/** What stands in a form's controls, and the JSON value that it means. */

import { join, type Field, type ListField, type ObjectField, type Problems, type ScalarField, type TextField } from "./forms";

/** By place: the text of an input or a select, a check box, the boxes that are checked. */
export type Entries = Readonly<Record<string, string | boolean | readonly string[]>>;
/** In a control whose text the browser does not tell: a number field with letters in it. */
export const UNREADABLE = "\u0000";

/** How many choices are told apart at a glance; more are a list to choose from. */
export const RADIOS = 6;

/** The place of the box that says whether an object is given at all. */
export function givenAt(at: string): string {
  return `${at}?`;
}

/** Whether none of its values may be chosen: where there is a default, that would only be another way to choose it. */
export function mayBeNone(field: Field, required: boolean): boolean {
  return mayBeAbsent(field, required) && (field.nullable === true || field.default === undefined);
}

export function mayBeAbsent(field: Field, required: boolean): boolean {
  return field.nullable === true || !required;
}

/** What a form begins with: `initial`, else each field's default, else nothing. It need not be valid. */
export function begin(field: Field, initial: unknown, required = true): Entries {
  const entries: Record<string, string | boolean | readonly string[]> = {};
  fill(field, initial === undefined ? field.default : initial, "", required, entries);
  return entries;
}

function fill(field: Field, value: unknown, at: string, required: boolean, into: Record<string, string | boolean | readonly string[]>): void {
  if (field.type === "object") {
    const given = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
    if (at && mayBeAbsent(field, required)) into[givenAt(at)] = given !== undefined;
    for (const [name, each] of Object.entries(field.properties)) {
      fill(each, given && Object.hasOwn(given, name) ? given[name] : each.default, join(at, name), field.required.includes(name), into);
    }
  } else if (field.type === "array") {
    const items = Array.isArray(value) ? value.map(textOf) : [];
    into[at] = isChecked(field) ? items : items.join("\n");
  } else if (field.type === "boolean" && !field.nullable) into[at] = value === true;
  else {
    into[at] = inputText(field, value);
    if (isMoment(field) && typeof value === "string" && !ZONE.test(value)) into[zonelessAt(at)] = true;
  }
}

/** Where it stands that a moment was given without a zone: then the answer has none either. */
function zonelessAt(at: string): string {
  return `${at}@`;
}

function isMoment(field: Field): boolean {
  return field.type === "string" && field.format === "date-time";
}

export function isChecked(field: ListField): boolean {
  return field.items.type !== "boolean" && field.items.enum !== undefined;
}

/** `2026-11-21T10:00:00Z` as a browser's control for date and time has it: in the reader's own time, without a zone. */
function inputText(field: ScalarField, value: unknown): string {
  if (value === null || value === undefined) return "";
  const text = textOf(value);
  if (!isMoment(field) || !ZONE.test(text)) return text;
  const moment = new Date(text);
  if (Number.isNaN(moment.getTime())) return text;
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

const ZONE = /(Z|[+-]\d{2}:?\d{2})$/i;

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The value that the entries mean. What cannot even be read as a value is told by place. */
export function collect(field: Field, entries: Entries): { value: unknown; unread: Problems } {
  const unread: Record<string, string> = {};
  return { value: read(field, entries, "", true, unread), unread };
}

/** `undefined`: not given, and need not be. */
function read(field: Field, entries: Entries, at: string, required: boolean, unread: Record<string, string>): unknown {
  const entry = entries[at];
  switch (field.type) {
    case "object":
      return readObject(field, entries, at, required, unread);
    case "array":
      return readList(field, entry, at, required, unread);
    case "boolean":
      if (typeof entry === "boolean") return entry;
      return entry === "true" ? true : entry === "false" ? false : absent(field, required);
    case "string":
      if (entry === UNREADABLE) unread[at] = "this is not complete";
      return readText(field, typeof entry === "string" ? entry : "", required, entries[zonelessAt(at)] === true);
    default:
      if (typeof entry !== "string" || entry.trim() === "") return absent(field, required);
      return readNumber(entry, at, unread);
  }
}

function absent(field: Field, required: boolean): null | undefined {
  // Left out, a field would get its default; null says that nothing is meant.
  return field.nullable && (required || (field.default ?? null) !== null) ? null : undefined;
}

function readText(field: TextField, text: string, required: boolean, zoneless: boolean): unknown {
  if (text === "") {
    const isMeant = !field.nullable && !field.enum && (!field.format || field.format === "multiline") && field.default !== undefined;
    return isMeant || (required && field.minLength === 0) ? "" : absent(field, required);
  }
  if (field.format === "time") return withSeconds(text);
  if (field.format === "date-time") return ZONE.test(text) || zoneless ? withSeconds(text) : withZone(withSeconds(text));
  return text;
}

function withSeconds(text: string): string {
  return /(^|T)\d{2}:\d{2}$/.test(text) ? `${text}:00` : text;
}

/** Who types ten o'clock means their own. */
function withZone(text: string): string {
  const moment = new Date(text);
  if (Number.isNaN(moment.getTime())) return text;
  const offset = -moment.getTimezoneOffset();
  const digits = (number: number) => String(number).padStart(2, "0");
  return `${text}${offset < 0 ? "-" : "+"}${digits(Math.floor(Math.abs(offset) / 60))}:${digits(Math.abs(offset) % 60)}`;
}

function readNumber(text: string, at: string, unread: Record<string, string>): number | undefined {
  const number = Number(text);
  if (text !== UNREADABLE && Number.isFinite(number)) return number;
  unread[at] = text === UNREADABLE ? "this is no number" : `'${text}' is no number`;
  return undefined;
}

function readList(field: ListField, entry: Entries[string] | undefined, at: string, required: boolean, unread: Record<string, string>): unknown {
  const items: readonly string[] =
    typeof entry === "string" ? entry.split("\n").map((line) => line.trim()).filter(Boolean) : Array.isArray(entry) ? (entry as string[]) : [];
  if (items.length === 0 && !required && field.default === undefined) return absent(field, required);
  if (items.length === 0 && field.nullable) return null;
  return items.map((text, place) => {
    if (field.items.type === "string") return text;
    if (field.items.type !== "boolean") return readNumber(text, `${at}[${place}]`, unread) ?? null;
    const known = /^(yes|true)$/i.test(text) ? true : /^(no|false)$/i.test(text) ? false : undefined;
    if (known === undefined) unread[`${at}[${place}]`] = `'${text}' is no yes or no`;
    return known ?? null;
  });
}

function readObject(field: ObjectField, entries: Entries, at: string, required: boolean, unread: Record<string, string>): unknown {
  if (at && mayBeAbsent(field, required) && entries[givenAt(at)] !== true) return absent(field, required);
  const value: Record<string, unknown> = {};
  for (const [name, each] of Object.entries(field.properties)) {
    const found = read(each, entries, join(at, name), field.required.includes(name), unread);
    if (found !== undefined) value[name] = found;
  }
  return value;
}
