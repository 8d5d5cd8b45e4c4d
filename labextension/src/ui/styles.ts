/** All styles: they live in the shadow root, so short names cannot meet JupyterLab's. */

import { ASKING } from "./askingStyles";

const COLOURS = `
:host {
  color-scheme: light dark;
  display: block;
  --bg: var(--jp-layout-color1, var(--vscode-editor-background, light-dark(#fff, #15181e)));
  --sunken: var(--jp-layout-color2, var(--vscode-sideBar-background, light-dark(#f4f5f7, #1e222a)));
  --fg: var(--jp-content-font-color1, var(--vscode-foreground, light-dark(#1d2127, #e6e9ee)));
  --dim: color-mix(in srgb, var(--fg) 66%, var(--bg));
  --line: color-mix(in srgb, var(--fg) 16%, var(--bg));
  --accent: var(--jp-brand-color1, var(--vscode-button-background, light-dark(#1667c0, #2f7fe0)));
  --on-accent: var(--vscode-button-foreground, #fff);
  --link: var(--jp-content-link-color, var(--vscode-textLink-foreground, light-dark(#1667c0, #7db4ff)));
  --agent: light-dark(#c2560c, #ff9d57);
  --good: var(--jp-success-color1, light-dark(#2c7a3f, #5cc878));
  --bad: var(--jp-error-color1, var(--vscode-errorForeground, light-dark(#c02b1d, #ff8a7a)));
  --warn: light-dark(#9a6700, #e3b341);
  --ui: var(--jp-ui-font-family, var(--vscode-font-family, system-ui, -apple-system, "Segoe UI", sans-serif));
  --code: var(--jp-code-font-family, var(--vscode-editor-font-family, ui-monospace, Menlo, Consolas, monospace));
  --size: var(--jp-content-font-size1, 14px);
  --small: var(--jp-ui-font-size1, 13px);
  --tiny: var(--jp-ui-font-size0, 11px);
  --round: 8px;
}
:host([data-scheme="light"]) { color-scheme: light; }
:host([data-scheme="dark"]) { color-scheme: dark; }
`;

const BASE = `
*, *::before, *::after { box-sizing: border-box; }
.root { height: 100%; color: var(--fg); font: var(--size)/1.5 var(--ui); text-align: left; }
p { margin: 0; }
button, textarea, input { font: inherit; color: inherit; }
button { cursor: pointer; border: 1px solid transparent; border-radius: 6px; padding: 5px 14px; background: none; }
button:disabled { cursor: default; opacity: .5; }
a { color: var(--link); }
:focus { outline: none; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
textarea, input {
  width: 100%; min-width: 0; padding: 6px 10px; resize: none; line-height: 1.45;
  color: var(--fg); background: var(--bg); border: 1px solid var(--line); border-radius: 6px;
}
textarea:focus, input:focus { border-color: var(--accent); outline: 1px solid var(--accent); outline-offset: 0; }
::placeholder { color: var(--dim); opacity: 1; }
.primary, .send { background: var(--accent); color: var(--on-accent); font-weight: 600; }
.primary:hover:enabled, .send:hover:enabled { background: color-mix(in srgb, var(--accent) 86%, #000); }
.quiet { padding: 2px 8px; color: var(--link); font-size: var(--small); }
.quiet:hover:enabled { background: color-mix(in srgb, var(--link) 10%, transparent); }
.note { margin-top: 6px; font-size: var(--small); color: var(--dim); }
.problem { color: var(--bad); }
@media (prefers-reduced-motion: no-preference) {
  button, textarea, input { transition: background-color .12s, border-color .12s; }
  .connection.retrying::before, .connection.connecting::before { animation: breathe 1.4s ease-in-out infinite; }
  .loading span { animation: breathe 1.4s ease-in-out infinite; }
  .now { transition: height .18s ease-out; }
  .bar > span { transition: width .2s linear; }
  .lines .bar.unknown > span { width: 35%; opacity: 1; animation: pass 1.6s ease-in-out infinite alternate; }
  .draft .markdown > p:last-child::after { animation: breathe 1s steps(2) infinite; }
}
@keyframes pass { from { transform: translateX(-30%); } to { transform: translateX(215%); } }
@keyframes breathe { 50% { opacity: .35; } }
`;

const PANEL = `
.panel { display: flex; flex-direction: column; min-height: 0; background: var(--bg); overflow: hidden; }
.panel.inline, .panel.notice { max-height: min(480px, 80vh); margin: 4px 0; border: 1px solid var(--line); border-radius: var(--round); }
.panel.page { height: 100%; }
time { white-space: nowrap; }
header { display: flex; align-items: center; gap: 8px; padding: 6px 12px; border-bottom: 1px solid var(--line); background: var(--sunken); }
.name { flex: 1; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-size: var(--small); font-weight: 600; }
.back { flex: none; padding: 0 8px; font-size: 22px; line-height: 1; text-decoration: none; }
.page header { padding: 10px 14px; }
.page .name { font-size: 16px; }
.connection { flex: none; font-size: var(--tiny); color: var(--dim); }
.connection::before { content: ""; display: inline-block; width: 7px; height: 7px; margin-right: 6px; border-radius: 50%; background: var(--warn); }
.connection.live::before { background: var(--good); }
.connection.unreachable::before { background: var(--bad); }
.scroller { position: relative; display: flex; flex: 1; min-height: 0; }
.log { flex: 1; min-width: 0; overflow: hidden auto; overflow-anchor: none; overscroll-behavior-y: auto; scrollbar-width: thin; }
.log:focus-visible { outline-offset: -2px; }
.content { padding: 10px 12px 6px; }
.page .content { max-width: 820px; margin: 0 auto; padding: 16px 16px 6px; }
.jump {
  position: absolute; bottom: 8px; left: 50%; transform: translateX(-50%); padding: 4px 14px; border-radius: 99px;
  background: var(--fg); color: var(--bg); font-size: var(--small); font-weight: 600; box-shadow: 0 2px 8px rgb(0 0 0 / .25);
}
.here { flex: none; font-size: var(--tiny); color: var(--dim); }
.now { flex: none; min-height: 26px; overflow: hidden; font-size: var(--small); color: var(--dim); }
.page .now { width: min(820px, 100%); margin: 0 auto; padding: 0 4px; }
.lines { padding: 2px 12px 3px; }
.lines ul { max-height: 236px; margin: 0; padding: 0; overflow: hidden auto; list-style: none; scrollbar-width: thin; }
.page .lines ul.all { max-height: 45vh; }
.lines li { display: flex; flex-wrap: wrap; align-items: center; gap: 0 10px; }
.lines .said, .lines .stands { display: flex; align-items: center; gap: 6px; min-width: 0; min-height: 21px; line-height: 21px; white-space: nowrap; }
.lines .said { flex: 1 1 auto; }
.lines .said:has(.status, .step) { flex-basis: 200px; }
.lines .stands { flex: 0 1 auto; flex-wrap: wrap; gap: 0 8px; margin-left: auto; max-width: 100%; }
.lines .stands:empty { display: none; }
.lines :is(.said, .stands) > span { overflow: hidden; text-overflow: ellipsis; }
.lines .author { flex: none; max-width: 40%; }
/* The status gives way first, then the bar; the count never does. */
.lines .status { flex: 0 100000 auto; min-width: 0; }
.lines .step { flex: 0 1 auto; min-width: 0; }
.lines .tally { flex: none; font-variant-numeric: tabular-nums; }
.lines .bar { flex: 0 1000 120px; min-width: 48px; height: 5px; margin-left: 4px; border-radius: 3px; background: color-mix(in srgb, var(--fg) 16%, var(--bg)); }
.bar > span { display: block; height: 100%; border-radius: 3px; background: var(--agent); }
.bar.unknown > span { opacity: .4; }
.lines .quiet { display: block; height: 21px; padding: 0 6px; margin-left: -6px; line-height: 21px; }
.typing { height: 21px; overflow: hidden; line-height: 21px; text-overflow: ellipsis; white-space: nowrap; font-style: italic; }
.composer { display: flex; align-items: flex-end; gap: 8px; padding: 8px 12px; border-top: 1px solid var(--line); }
.page .composer { width: min(820px, 100%); margin: 0 auto; padding: 10px 16px; border-top: 0; padding-bottom: max(10px, env(safe-area-inset-bottom)); }
.composer textarea, .answer textarea { field-sizing: content; max-height: 140px; }
.banner { padding: 8px 12px; border-top: 1px solid var(--line); background: color-mix(in srgb, var(--warn) 12%, var(--bg)); font-size: var(--small); }
.notice { gap: 8px; padding: 14px 16px; color: var(--dim); font-size: var(--small); }
.notice strong { display: block; color: var(--fg); font-size: var(--size); }
.empty { padding: 18px 8px; text-align: center; color: var(--dim); font-size: var(--small); }
.empty strong { display: block; color: var(--fg); }
.loading { padding: 16px; }
.loading span { display: block; height: 12px; width: 60%; margin-bottom: 10px; border-radius: 6px; background: var(--line); }
.loading span + span { width: 38%; }
.older { display: flex; justify-content: center; margin-bottom: 6px; }
.day { display: flex; align-items: center; gap: 10px; margin: 12px 0 8px; color: var(--dim); font-size: var(--tiny); }
.day::before, .day::after { content: ""; flex: 1; border-top: 1px solid var(--line); }
@media (pointer: coarse) {
  textarea, input { font-size: 16px; } /* Safari on a phone zooms in on anything smaller */
  .choice, .primary, .send, textarea { min-height: 42px; }
  textarea { padding-top: 9px; }
}
`;

const MESSAGES = `
.message, .question { display: flex; gap: 10px; margin-top: 12px; }
.entry:first-child > .message, .entry:first-child > .question { margin-top: 0; }
.message.follows { margin-top: 2px; }
.entry:has(> .message .part) + .entry > .message.follows { margin-top: 10px; }
/* Piled-up accents reach over what others say, and over buttons. */
.entry { overflow: clip; overflow-clip-margin: 6px; }
.choice, .card > .markdown, .byline { overflow: clip; overflow-clip-margin: 2px; }
.message.follows .avatar, .message.follows .byline { display: none; }
.message.follows .body { padding-left: 38px; }
.body { flex: 1; min-width: 0; }
.avatar {
  flex: none; display: grid; place-items: center; width: 28px; height: 28px; margin-top: 2px; border-radius: 50%;
  font-size: 11px; font-weight: 700; user-select: none;
  background: color-mix(in srgb, var(--accent) 16%, var(--bg)); color: color-mix(in srgb, var(--accent) 65%, var(--fg));
}
.avatar.agent { border-radius: 7px; background: color-mix(in srgb, var(--agent) 16%, var(--bg)); color: color-mix(in srgb, var(--agent) 75%, var(--fg)); }
.byline { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 7px; font-size: var(--tiny); color: var(--dim); }
.author { font-size: var(--small); font-weight: 600; color: var(--fg); overflow-wrap: anywhere; }
.kind { padding: 0 5px; border-radius: 4px; background: color-mix(in srgb, var(--fg) 8%, transparent); }
.deleted { color: var(--dim); font-style: italic; }
.own { flex-direction: row-reverse; }
.own .avatar { display: none; }
.own .body { flex: 0 1 auto; max-width: 85%; margin-left: auto; }
.own .byline { justify-content: flex-end; }
.own .markdown { width: fit-content; max-width: 100%; margin-left: auto; padding: 5px 11px; border-radius: 12px 12px 3px 12px; background: color-mix(in srgb, var(--accent) 13%, var(--bg)); }
.own.follows .body { padding-left: 0; }
.pending .markdown { opacity: .6; }
.pending .note { text-align: right; }
.draft .markdown > p:last-child::after { content: ""; display: inline-block; width: 2px; height: 1em; margin-left: 2px; vertical-align: -.15em; background: var(--agent); }
.content:has(.draft) > .empty { display: none; }
.empty + .entry > .draft { margin-top: 0; }
.closing { margin: 10px 0 0 38px; font-size: var(--small); color: var(--dim); overflow-wrap: anywhere; }
.closing strong { color: var(--fg); }
.closing q { font-style: italic; }
.closing time, .outcome time { font-size: var(--tiny); color: var(--dim); }
`;

const QUESTIONS = `
.card { margin-top: 4px; padding: 10px 14px 12px; border: 1px solid var(--line); border-radius: var(--round); }
.open .card {
  border-color: color-mix(in srgb, var(--accent) 45%, var(--bg));
  background: color-mix(in srgb, var(--accent) 6%, var(--bg));
  border-left: 3px solid var(--accent);
}
.card > .markdown { font-size: calc(var(--size) * 1.05); }
.open .card > .markdown { font-weight: 500; }
.choices { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 10px; }
.choice {
  max-width: 100%; padding: 5px 16px; text-align: left; overflow-wrap: anywhere; font-weight: 600;
  color: color-mix(in srgb, var(--accent) 70%, var(--fg)); background: var(--bg); border-color: color-mix(in srgb, var(--accent) 60%, var(--bg));
}
.choice:hover:enabled, .choice.taken { color: var(--on-accent); background: var(--accent); border-color: var(--accent); }
.choice.taken { opacity: .8; }
.answer { display: flex; align-items: flex-end; gap: 8px; margin-top: 10px; }
.terms { display: flex; flex-wrap: wrap; gap: 0 6px; margin-top: 9px; font-size: var(--small); color: var(--dim); overflow-wrap: anywhere; }
.countdown { font-variant-numeric: tabular-nums; }
.countdown.soon { color: var(--bad); font-weight: 600; }
.outcome { display: flex; align-items: baseline; gap: 7px; margin-top: 7px; font-size: var(--small); color: var(--dim); overflow-wrap: anywhere; white-space: pre-wrap; }
.outcome > :nth-child(2) { min-width: 0; }
.outcome strong { color: var(--fg); }
.mark { flex: none; color: var(--good); font-weight: 700; }
`;

const MARKDOWN = `
.markdown { overflow-wrap: anywhere; }
.markdown > :first-child { margin-top: 0; }
.markdown > :last-child { margin-bottom: 0; }
.markdown :is(p, ul, ol, pre, blockquote, table) { margin: 0 0 .5em; }
.markdown :is(h1, h2, h3, h4, h5, h6) { margin: .7em 0 .3em; font-size: 1.05em; line-height: 1.3; }
.markdown h1 { font-size: 1.25em; }
.markdown h2 { font-size: 1.15em; }
.markdown :is(ul, ol) { padding-left: 1.5em; }
.markdown code { padding: 1px 4px; border-radius: 4px; font: .92em var(--code); background: color-mix(in srgb, var(--fg) 7%, transparent); }
.markdown pre { padding: 8px 10px; overflow-x: auto; border-radius: 6px; background: color-mix(in srgb, var(--fg) 6%, transparent); }
.markdown pre code { padding: 0; background: none; overflow-wrap: normal; }
.markdown blockquote { margin-left: 0; padding-left: 10px; border-left: 3px solid var(--line); color: var(--dim); }
.markdown table { display: block; width: max-content; max-width: 100%; overflow-x: auto; border-collapse: collapse; font-size: var(--small); font-variant-numeric: tabular-nums; }
.markdown :is(th, td) { padding: 3px 10px; text-align: left; border-bottom: 1px solid var(--line); overflow-wrap: normal; }
.markdown th { font-weight: 600; background: var(--sunken); }
.markdown img { max-width: 100%; max-height: 480px; border-radius: 6px; }
.markdown hr { border: 0; border-top: 1px solid var(--line); }
`;

const STEERING = `
.heard { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.run-state { max-width: 100%; }
.run-state.asked, .run-state.paused { color: var(--warn); }
.run-state.bad, .lines > .quiet.bad { color: var(--bad); }
.lines:has(.steer) { padding-bottom: 6px; }
.steer { display: flex; flex-wrap: wrap; align-items: center; gap: 2px 4px; min-width: 0; }
.lines .steer .quiet { display: inline-block; height: 22px; margin-left: 0; padding: 0 8px; line-height: 20px; border-color: var(--line); }
.lines .steer .quiet.bad { color: var(--bad); border-color: currentColor; font-weight: 600; }
.lines .steer .quiet:focus-visible { outline-offset: -2px; }
[aria-disabled="true"] { opacity: .5; cursor: default; }
.steer form { display: flex; flex: 1 1 100%; align-items: center; gap: 4px; min-width: 0; }
.lines .stands:has(form) { flex: 1 1 100%; }
.lines .stands:has(form) .steer { flex: 1 1 240px; }
.steer input { flex: 1; padding: 2px 8px; }
.steer .primary { padding: 2px 10px; font-size: var(--small); }
.steer .note { flex-basis: 100%; margin: 0; white-space: normal; }
.run { margin: 10px 0 0 38px; font-size: var(--small); color: var(--dim); }
.entry:first-child > .run { margin-top: 0; }
.run > p { display: flex; align-items: baseline; gap: 7px; overflow-wrap: anywhere; }
.run > p > :nth-child(2) { min-width: 0; }
.run strong { color: var(--fg); }
.run .by, .run time { flex: none; font-size: var(--tiny); }
.run .mark { width: 1.1em; text-align: center; color: var(--agent); }
.run.finished .mark { color: var(--good); }
.run.failed :is(.mark, p > :nth-child(2)) { color: var(--bad); }
.run summary { width: fit-content; margin-left: 1.7em; cursor: pointer; color: var(--link); }
.run pre { max-height: 300px; margin: 4px 0 0; padding: 8px 10px; overflow: auto; border-radius: 6px; font: .92em/1.45 var(--code); color: var(--fg); background: color-mix(in srgb, var(--fg) 6%, transparent); }
@media (pointer: coarse) {
  .lines .steer .quiet, .steer .primary { height: 34px; min-height: 34px; padding: 0 12px; }
  .steer input { min-height: 34px; }
  .lines li + li { margin-top: 6px; }
}
/* Below its agent's name, it stands where that begins. */
@media (max-width: 600px) { .lines .stands { margin-left: 0; } }
`;

const BATCH = `
.batch { margin-top: 12px; padding: 8px 12px 10px; border: 1px solid var(--line); border-radius: var(--round); background: var(--bg); }
.entry:first-child > .batch { margin-top: 0; }
.batch-head { display: flex; align-items: center; gap: 10px; font-size: var(--small); }
.batch-head .name { flex: 0 1 auto; font-size: var(--small); }
.batch-head .tally { flex: none; color: var(--dim); font-variant-numeric: tabular-nums; }
.batch-head .bar { flex: 1 1 60px; min-width: 40px; height: 6px; border-radius: 3px; overflow: hidden; background: color-mix(in srgb, var(--fg) 16%, var(--bg)); }
.batch-head .bar > span { background: var(--good); }
.batch .question { margin-top: 8px; }
.batch .question .card { flex: 1; min-width: 0; margin-top: 0; }
/* The number is for the eyes: the button is named by its text. */
.batch .choices { counter-reset: key; }
.batch .choices .choice { counter-increment: key; }
.batch .choices .choice:nth-child(-n+9)::before { content: counter(key) / ""; margin-right: 8px; font-size: var(--tiny); font-weight: 400; opacity: .7; }
.batch-foot { display: flex; flex-wrap: wrap; align-items: center; gap: 2px 4px; margin-top: 6px; font-size: var(--small); }
.batch-foot .keys { color: var(--dim); font-size: var(--tiny); }
.batch-foot .note { margin: 0; }
/* One of many is not put off or handed on by itself. */
.batch .more { display: none; }
.batch .rest { margin-top: 8px; color: var(--dim); font-size: var(--small); }
.batch details { margin-top: 4px; font-size: var(--small); color: var(--dim); }
.batch summary { width: fit-content; cursor: pointer; color: var(--link); }
.batch ol { max-height: 240px; margin: 4px 0 0; padding-left: 3.2em; overflow: auto; scrollbar-width: thin; }
.batch li { overflow-wrap: anywhere; }
.batch li :is(strong, .what) { color: var(--fg); }
@media (pointer: coarse) {
  .batch-foot .keys { display: none; }
  .batch-foot .quiet { min-width: 42px; min-height: 36px; }
}
`;

export const STYLES = COLOURS + BASE + PANEL + MESSAGES + QUESTIONS + MARKDOWN + STEERING + BATCH + ASKING;
