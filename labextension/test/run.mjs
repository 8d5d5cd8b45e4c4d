// Bundles each test with its sources and hands it to Node's own runner, which knows neither TSX nor paths without extensions.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";

const outdir = mkdtempSync(join(tmpdir(), "agentchat-test-"));
const entryPoints = readdirSync("test").filter((name) => name.endsWith(".test.ts"));
await build({
  entryPoints: entryPoints.map((name) => join("test", name)),
  outdir,
  bundle: true,
  format: "esm",
  platform: "node",
  outExtension: { ".js": ".mjs" },
});
const files = entryPoints.map((name) => join(outdir, name.replace(".ts", ".mjs")));
const { status } = spawnSync(process.execPath, ["--test", ...files], { stdio: "inherit" });
rmSync(outdir, { recursive: true });
process.exit(status ?? 1);
