export const PAGE_STYLES = `
:host { position: fixed; inset: 0; overflow: auto; background: var(--bg); --size: 15px; --small: 14px; --tiny: 12px; }
.sheet { display: flex; flex-direction: column; justify-content: center; gap: 14px; width: min(400px, 100%); min-height: 100%; margin: 0 auto; padding: 24px 20px 12vh; }
.sheet h1 { margin: 0; font-size: 24px; line-height: 1.25; overflow-wrap: anywhere; }
.sheet p { color: var(--dim); }
.sheet form { display: flex; flex-direction: column; gap: 12px; margin-top: 6px; }
.sheet label { display: flex; flex-direction: column; gap: 5px; font-size: var(--small); font-weight: 600; }
.sheet input { padding: 10px 12px; font-size: 16px; font-weight: 400; }
.sheet .primary { padding: 10px 14px; font-size: 16px; }
.sheet .error { padding: 10px 12px; border-radius: var(--round); background: color-mix(in srgb, var(--bad) 10%, var(--bg)); color: var(--fg); }
.channels { display: flex; flex-direction: column; margin: 0; padding: 0; list-style: none; border: 1px solid var(--line); border-radius: var(--round); }
.channels li + li { border-top: 1px solid var(--line); }
.channels a { display: flex; align-items: center; gap: 10px; padding: 12px 14px; color: var(--fg); text-decoration: none; font-weight: 600; overflow-wrap: anywhere; }
.channels a:hover { background: var(--sunken); }
.channels .count { margin-left: auto; padding: 0 8px; border-radius: 99px; background: var(--accent); color: var(--on-accent); font-size: var(--small); }
.chat { position: absolute; inset: 0; }
.chat > div { height: 100%; }
`;
