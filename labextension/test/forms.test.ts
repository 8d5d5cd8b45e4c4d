import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { begin, collect } from "../src/ui/filling";
import { problems, type Field, type Problems } from "../src/ui/forms";

interface Case {
  what: string;
  field: Field;
  values: { value: unknown; problems: Problems }[];
}

// The hub runs this table too: tests/unit/test_forms_cases.py.
const CASES = JSON.parse(readFileSync("../tests/forms_cases.json", "utf8")) as Case[];

for (const { what, field, values } of CASES) {
  test(`the browser finds what the hub finds: ${what}`, () => {
    for (const { value, problems: wrong } of values) assert.deepEqual(problems(field, value), wrong, JSON.stringify(value));
  });

  test(`what is right and stands in a form is what the form gives: ${what}`, () => {
    for (const { value, problems: wrong } of values) {
      // A blank in a form is nothing given, whatever it was to begin with; and lists are trimmed of what is blank in them.
      if (Object.keys(wrong).length > 0 || value === "") continue;
      const { value: given, unread } = collect(field, begin(field, value));
      assert.deepEqual(problems(field, given), {}, JSON.stringify(value));
      assert.deepEqual(unread, {});
      if (field.type !== "object" && !isMoment(field)) assert.deepEqual(given, value);
    }
  });
}

function isMoment(field: Field): boolean {
  return field.type === "string" && field.format === "date-time";
}

test("a pattern is looked at in the browser; one that it cannot read is left to the asker", () => {
  assert.deepEqual(problems({ type: "string", pattern: "^a+$" }, "ab"), { "": "'ab' does not have the form ^a+$" });
  assert.deepEqual(problems({ type: "string", pattern: "(?P<year>.)" }, "x"), {});
});

const FORM: Field = {
  type: "object",
  properties: {
    name: { type: "string" },
    size: { type: "integer", default: 3 },
    wet: { type: "boolean" },
    note: { type: "string", nullable: true, default: "so" },
    at: { type: "string", format: "time" },
    tags: { type: "array", items: { type: "string" } },
    home: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
  required: ["name", "wet"],
};

test("an empty form gives its defaults, and says what is needed", () => {
  const { value } = collect(FORM, begin(FORM, undefined));
  assert.deepEqual(value, { size: 3, wet: false, note: "so" });
  assert.deepEqual(problems(FORM, value), { name: "a value is needed" });
});

test("what was emptied is not its default: it is left out, or null where that can be said", () => {
  const entries = { ...begin(FORM, { name: "x" }), size: "", note: "" };
  assert.deepEqual(collect(FORM, entries).value, { name: "x", wet: false, note: null });
});

test("what is no value at all is told at its place", () => {
  const entries = { ...begin(FORM, { name: "x" }), size: "many" };
  assert.deepEqual(collect(FORM, entries).unread, { size: "'many' is no number" });
});

test("a time has its seconds, a list its lines, a group only what was ticked", () => {
  const entries = { ...begin(FORM, { name: "x", home: { city: "Bonn" } }), at: "10:30", tags: " a \n\nb\n" };
  const { value } = collect(FORM, entries);
  assert.deepEqual(value, { name: "x", size: 3, wet: false, note: "so", at: "10:30:00", tags: ["a", "b"], home: { city: "Bonn" } });
  const without = collect(FORM, { ...entries, "home?": false }).value as Record<string, unknown>;
  assert.ok(!("home" in without));
});

test("a moment is the reader's own time, unless it was given without a zone", () => {
  const moment: Field = { type: "string", format: "date-time" };
  const given = collect(moment, begin(moment, "2026-11-21T10:00:00Z")).value as string;
  assert.match(given, /T\d\d:\d\d:\d\d[+-]\d\d:\d\d$/);
  assert.equal(Date.parse(given), Date.parse("2026-11-21T10:00:00Z"));
  assert.equal(collect(moment, begin(moment, "2026-11-21T10:00:00")).value, "2026-11-21T10:00:00");
});
