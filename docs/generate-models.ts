import { countsOf } from "../src/config/catalog-differences.ts";
import { catalogSchema, type FileEntry } from "../src/config/catalog-schema.ts";
import { jsonSchema } from "../src/config/json-schema.ts";
import { packageFile } from "../src/config/package-catalog.ts";

/** The JSON Schema of a catalogue file, for editors. */
export function renderCatalogSchema(): string {
  return `${JSON.stringify(jsonSchema(catalogSchema), null, 2)}\n`;
}

/** docs/models.md: what the package knows of models, and how to know better. */
export function renderModels(): string {
  const { entries, unverified } = countsOf(packageFile);
  const sections = Object.entries(packageFile.providers).map(([kind, list]) => section(kind, list ?? []));
  return `<!-- Made by \`npm run docs\` from src/config/model-catalog.json; do not edit. -->

# Models

${intro}

## What the package knows

${entries} entries, as they were when this version was made. Nobody has checked every figure: ${unverified} of them hold
something that no document at hand supports. Those figures are marked with \`?\`; prices are in USD for a million tokens of
prompt / answer.

${sections.join("\n\n")}
`;
}

const intro = `What Trunkline knows of a model (its context window, what it reads and can do, which settings it refuses, how it
reasons, what it costs) decides what is sent to it, which target can take a request, and which is the cheapest. It comes from
these places; of each fact, the last that says anything counts:

1. the catalogue of the package, below;
2. the catalogue that \`trunkline models update\` put into the data folder;
3. the file that \`catalog.file\` of the configuration names;
4. the provider's own list of models, where it has one;
5. the entry of the model under \`providers.<name>.models\` of the configuration.

All are read at the start and again on SIGHUP.

## A catalogue file

JSON, or YAML where the name ends so, up to 4 MiB. The format is in [model-catalog.schema.json](model-catalog.schema.json):

\`\`\`yaml
format: 1
providers:
  openai:
    - match: [gpt-5-mini, gpt-5-mini-####-##-##]
      source: https://example.test/our-contract
      as_of: 2026-11-20
      context_window: 400000
      parameters_refused: [temperature]
      drop_refused: true
      price: { input: 0.2, output: 1.6, cache_read: 0.02, source: https://example.test/our-contract }
\`\`\`

In a pattern, \`*\` stands for any text that does not go on with a number (\`gpt-5*\` is not \`gpt-50\`) and \`#\` for one digit.
Capitals do not matter, nor does what stands before the last slash of a name. Of the entries of one file that match, only
the one whose pattern has the most literal characters counts; of two with as many, the one with more digits, then with fewer
stars, then the first.

\`source\` and \`as_of\` say where facts are from; \`unverified\` where nobody can say. \`parameters_refused\` names settings by
the [contract](api.md). They are left out, and reported as a loss, where a request is translated. A caller who speaks the
provider's own dialect has them sent on and gets the provider's own answer, unless \`drop_refused\` is set; it is by itself
where the configuration names them under \`providers.<name>.models\`.

## Updating

\`trunkline models update <file|url>\` checks a catalogue, shows what it adds, changes and removes and each price that changes,
and writes it to \`models.json\` in the data folder, whole or not at all. \`--dry-run\` writes nothing. URLs are asked by https
(by http on this machine only), for at most 30 seconds; a redirect to another host is not followed. It ends with 1 when
the catalogue is wrong, and names each wrong field; with 64 for a URL that is not asked, and 69 when it cannot be reached.
An update that has gone bad on disk is left out with a warning.`;

function section(kind: string, entries: readonly FileEntry[]): string {
  const head = ["Models", "Window", "Answer", "Reads", "Can", "Efforts", "Refuses", "Price", "Source", "As of"];
  const rows = [...entries].map(row);
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [`### ${kind}`, "", line(head), `|${head.map(() => "---|").join("")}`, ...rows.map(line)].join("\n");
}

function row(entry: FileEntry): readonly string[] {
  const { match, source, as_of: asOf = "", price, unverified = [] } = entry;
  const isOpen = (name: keyof FileEntry) => source === "unverified" || unverified.some((one) => one === name);
  const marked = (name: keyof FileEntry, text: string | undefined) =>
    text === undefined || text === "" ? "" : `${text}${isOpen(name) ? " ?" : ""}`;
  return [
    match.map((pattern) => `\`${pattern}\``).join(" "),
    marked("context_window", entry.context_window?.toLocaleString("en-US")),
    marked("max_output_tokens", entry.max_output_tokens?.toLocaleString("en-US")),
    marked("input_modalities", entry.input_modalities?.join(" ")),
    marked("capabilities", entry.capabilities?.join(" ")),
    marked("efforts", entry.efforts?.join(" ")),
    marked("parameters_refused", entry.parameters_refused?.join(" ")),
    price === undefined ? "" : `${price.input} / ${price.output}${price.source === "unverified" ? " ?" : ""}`,
    price === undefined || price.source === source ? source : `${source}; prices: ${price.source}`,
    price?.as_of === undefined || price.as_of === asOf ? asOf : `${asOf || "unknown"}; prices: ${price.as_of}`,
  ];
}
