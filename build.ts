import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const root = import.meta.dirname;
const dist = join(root, "dist");

/**
 * The start of the bundle. The compile cache only helps modules that load after it is switched on, so the gateway
 * itself is a module of its own. It lives beside the bundle and not in the shared temporary folder, where another
 * user of the machine could leave compiled code for us to run.
 */
const starter = `#!/usr/bin/env node
import { enableCompileCache } from "node:module";
if (Number(process.versions.node.split(".")[0]) < 24) {
  console.error("trunkline needs Node 24 or newer; this is " + process.version + ".");
  process.exit(1);
}
enableCompileCache(import.meta.dirname + "/compile-cache");
await import("./src/main.ts");
`;

// Packages in CommonJS call require() for what Node has built in; a module has to make its own.
const requireForCommonJs = `import { createRequire as createRequireForBundle } from "node:module";
const require = createRequireForBundle(import.meta.url);`;

rmSync(dist, { recursive: true, force: true });
await build({
  stdin: { contents: starter, resolveDir: root, sourcefile: "starter.mjs" },
  outdir: dist,
  entryNames: "trunkline",
  chunkNames: "chunks/[name]-[hash]",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node24",
  // What is loaded late from source (the metrics SDK) stays out of the way of a fast start in the bundle too.
  splitting: true,
  sourcemap: "linked",
  define: { "import.meta.main": "true" },
  banner: { js: requireForCommonJs },
  legalComments: "linked",
  logLevel: "warning",
  absWorkingDir: root,
});
chmodSync(join(dist, "trunkline.mjs"), 0o755);
