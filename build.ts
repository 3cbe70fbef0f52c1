import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build, type Plugin } from "esbuild";

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

/**
 * Of undici the gateway uses its pools of connections. The package's own entry also loads fetch, WebSocket, mocks and
 * caches.
 */
const partsOfUndici: Plugin = {
  name: "parts-of-undici",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^undici$/ }, () => ({ path: "undici", namespace: "parts" }));
    onLoad({ filter: /.*/, namespace: "parts" }, () => ({
      contents: `export { default as Client } from "undici/lib/dispatcher/client.js";
export { default as Pool } from "undici/lib/dispatcher/pool.js";
export { default as buildConnector } from "undici/lib/core/connect.js";`,
      resolveDir: root,
    }));
  },
};

/**
 * An `import` of node:http reads all that it exports, also the WebSocket of Node's own undici, which is loaded for that.
 * Asked for in this way, what is not used stays where it is: with the parts of undici, 30 of 240 ms of CPU that a start
 * takes, and 3 MB.
 */
const lazyHttp: Plugin = {
  name: "lazy-http",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:)?http$/ }, ({ kind }) =>
      kind === "import-statement" ? { path: "node:http", namespace: "lazy" } : { external: true },
    );
    onLoad({ filter: /.*/, namespace: "lazy" }, () => ({
      contents: `module.exports = process.getBuiltinModule("node:http");`,
    }));
  },
};

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
  plugins: [partsOfUndici, lazyHttp],
  banner: { js: requireForCommonJs },
  legalComments: "linked",
  logLevel: "warning",
  absWorkingDir: root,
});
chmodSync(join(dist, "trunkline.mjs"), 0o755);
