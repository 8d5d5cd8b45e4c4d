import assert from "node:assert/strict";
import { test } from "node:test";

import { agree, isSame, plainText } from "../src/ui/decision";

test("what cannot be seen in what is approved is spelt out", () => {
  assert.equal(plainText("rm \u202e/tmp"), "rm \\u{202e}/tmp");
  assert.equal(plainText({ path: "a\u200bb\ufeff" }), '{\n  "path": "a\\u{200b}b\\u{feff}"\n}');
  assert.equal(plainText("ad\u200dmin"), "ad\\u{200d}min");
  const right = "a\n\tb, \u0915\u094d\u200d, \u0645\u06cc\u200c\u062e, \u{1f469}\u{1f3fd}\u200d\u{1f4bb}, ünïcödé";
  assert.equal(plainText(right), right);
  assert.equal(plainText("\u0007"), "\\u{7}");
});

test("the order of names makes no other value", () => {
  assert.ok(isSame({ a: 1, b: [{ c: 2, d: 3 }] }, { b: [{ d: 3, c: 2 }], a: 1 }));
  assert.ok(!isSame([1, 2], [2, 1]));
});

test("two who approve agree, whatever they say beside it", () => {
  assert.ok(agree({ approved: true, comment: "fine" }, { approved: true }));
  assert.ok(!agree({ approved: true, arguments: { keep: 5 } }, { approved: true }));
});
