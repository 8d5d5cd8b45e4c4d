/** How forms, approvals, and what is shown beside a question look. */

export const ASKING = `
.question.put-off { align-items: center; }
[data-settling] { pointer-events: none; }
.snoozed { font-size: var(--small); color: var(--dim); }
.hint { font-size: var(--small); color: var(--dim); }
.form { margin-top: 10px; }
.fields, .group { min-width: 0; margin: 0; padding: 0; border: 0; }
.group { margin: 4px 0 10px; padding: 4px 12px 2px; border: 1px solid var(--line); border-radius: 6px; }
.group > legend { padding: 0 4px; font-size: var(--small); font-weight: 600; }
.field { display: flex; flex-direction: column; gap: 3px; margin-bottom: 10px; }
.field:focus { outline: none; }
.caption > :is(label, .label) { font-size: var(--small); font-weight: 600; overflow-wrap: anywhere; }
.caption { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 8px; }
:is(.field, .group) code { font: .92em var(--code); font-weight: 400; color: var(--dim); }
.field > :is(input, select, textarea) { max-width: 480px; }
.field > input:is([type="number"], [type="date"], [type="time"], [type="datetime-local"]) { width: auto; max-width: 240px; align-self: flex-start; }
.field textarea { field-sizing: content; max-height: 220px; min-height: 3.6em; resize: vertical; }
.field > .note { margin: 0; }
[aria-invalid="true"]:not(.field, .group) { border-color: var(--bad); }
.field[aria-invalid="true"] > .boxes { border-left: 2px solid var(--bad); padding-left: 8px; }
select {
  font: inherit; color: var(--fg); background: var(--bg); min-width: 0; max-width: 100%; align-self: flex-start;
  padding: 6px 10px; border: 1px solid var(--line); border-radius: 6px;
}
.box { display: inline-flex; align-items: baseline; gap: 7px; max-width: 100%; cursor: pointer; font-weight: 400; font-size: var(--size); overflow-wrap: anywhere; }
.box > input { flex: none; width: auto; margin: 0; transform: translateY(1px); accent-color: var(--accent); }
.box > span { min-width: 0; }
.boxes { display: flex; flex-wrap: wrap; gap: 4px 18px; }
.actions { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 7px; margin-top: 10px; }
.actions > :is(.primary, .choice) { padding-inline: 12px; }
.words { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 16px; margin-top: 10px; }
.words > input { flex: 1 1 220px; max-width: 480px; }
.choice[aria-pressed="true"] { color: var(--on-accent); background: var(--accent); }
.choice.plain { color: var(--fg); border-color: var(--line); }
.choice.plain:hover:enabled { color: var(--fg); background: color-mix(in srgb, var(--fg) 8%, var(--bg)); border-color: var(--line); }
.choice.bad { color: var(--bad); border-color: color-mix(in srgb, var(--bad) 60%, var(--bg)); }
.choice.bad:hover:enabled { color: var(--bg); background: var(--bad); border-color: var(--bad); }
.arguments { margin: 8px 0 0; font-size: var(--small); }
.arguments > div { display: flex; gap: 4px 12px; padding: 4px 0; border-top: 1px solid var(--line); }
.arguments dt { flex: 0 0 min(30%, 160px); color: var(--dim); overflow-wrap: anywhere; }
.arguments dd { flex: 1; min-width: 0; margin: 0; }
/* A shade where it is cut, which the end of the text covers: nobody approves what they did not know to be there. */
.arguments pre, .shown {
  --under: var(--bg);
  background:
    linear-gradient(var(--under), var(--under)) bottom / 100% 24px no-repeat local,
    linear-gradient(transparent, color-mix(in srgb, var(--fg) 18%, transparent)) left 0 bottom 1px / 100% 12px no-repeat scroll,
    var(--under);
}
.open .arguments pre { --under: color-mix(in srgb, var(--accent) 6%, var(--bg)); }
.arguments pre { max-height: 160px; margin: 0; overflow: auto; scrollbar-width: thin; font: .95em/1.45 var(--code); white-space: pre-wrap; overflow-wrap: anywhere; }
.arguments :is(del, ins) { display: block; text-decoration: none; }
.arguments del pre { color: var(--dim); text-decoration: line-through; }
.arguments ins pre { color: var(--good); }
.outcome.rejected .mark { color: var(--bad); }
.outcome .mark.none { color: var(--dim); }
.answer > input { flex: 1; }
.note.begun { overflow-wrap: anywhere; white-space: pre-wrap; }
.note.changed { color: var(--warn); }
.card > .note > .quiet:first-child { margin-left: -8px; }
.more { display: flex; flex-direction: column; align-items: flex-start; margin: 6px 0 -6px -8px; }
.moves { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 6px; padding: 4px 0 6px 8px; }
.part { margin: 10px 0 0; min-width: 0; }
.part > figcaption { margin-bottom: 3px; font-size: var(--small); color: var(--dim); overflow-wrap: anywhere; }
.part .hint { margin-top: 3px; }
.shown { max-height: 260px; margin: 0; overflow: auto; scrollbar-width: thin; border: 1px solid var(--line); border-radius: 6px; font-weight: 400; }
.shown:not(.table) { padding: 8px 10px; }
pre.shown { font: var(--small)/1.45 var(--code); white-space: pre; }
.diff > span { display: block; width: fit-content; min-width: 100%; }
.diff .added { background: color-mix(in srgb, var(--good) 16%, transparent); }
.diff .removed { background: color-mix(in srgb, var(--bad) 14%, transparent); }
.diff :is(.about, .place) { color: var(--dim); }
.shown.table { width: fit-content; max-width: 100%; }
.shown.table table { border-collapse: separate; border-spacing: 0; font-size: var(--small); font-variant-numeric: tabular-nums; }
.shown.table :is(th, td) { max-width: 360px; padding: 3px 10px; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); white-space: pre; overflow: hidden; text-overflow: ellipsis; }
.shown.table tbody tr:last-child > * { border-bottom: 0; }
.shown.table .number { text-align: right; }
.shown.table th { font-weight: 600; background: var(--sunken); }
.shown.table thead th { position: sticky; top: 0; z-index: 1; }
.shown.table tbody th { position: sticky; left: 0; }
.picture { display: block; max-width: 100%; padding: 0; border: 0; border-radius: 6px; cursor: zoom-in; }
.picture img { display: block; max-width: 100%; max-height: 260px; border-radius: 6px; background: #fff; }
.picture.large { cursor: zoom-out; }
.picture.large img { max-height: none; }
.own .part { width: fit-content; max-width: 100%; margin-left: auto; }
@media (pointer: coarse) {
  .choice.plain, .choice.bad, select, .answer > input, .words > input[type="text"], .field input:not([type="checkbox"], [type="radio"]) { min-height: 42px; }
  .box { min-height: 32px; align-items: center; }
  select { font-size: 16px; }
  .more .quiet { min-height: 34px; }
}
`;
