// The two ES modules that Python serves: the anywidget and the stand-alone page.
import { build } from "esbuild";

await build({
  entryPoints: ["src/widget.ts", "src/page.tsx"],
  outdir: "../jupyter_agentchat/static",
  bundle: true,
  format: "esm",
  target: ["es2022"],
  minify: process.argv.includes("--minify"),
  legalComments: "none",
  logLevel: "info",
});
