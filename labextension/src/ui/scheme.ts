/** Dark or light, as the page around us is. Colours follow by CSS; this is for what CSS cannot see. */

function schemeOf(body: HTMLElement): "dark" | "light" | undefined {
  const lab = body.dataset["jpThemeLight"];
  if (lab !== undefined) return lab === "true" ? "light" : "dark";
  const kind = body.dataset["vscodeThemeKind"];
  if (kind !== undefined) return kind.includes("light") ? "light" : "dark";
  return undefined;
}

/** Keeps `data-scheme` on the host; absent, the system decides. */
export function watchScheme(host: HTMLElement): () => void {
  const show = () => {
    const scheme = schemeOf(document.body);
    if (scheme) host.dataset["scheme"] = scheme;
    else delete host.dataset["scheme"];
  };
  show();
  const observer = new MutationObserver(show);
  observer.observe(document.body, { attributeFilter: ["data-jp-theme-light", "data-vscode-theme-kind"] });
  return () => {
    observer.disconnect();
  };
}
