import { toJsonString } from "@bufbuild/protobuf";
import { Command } from "commander";
import { ListModelsResponseSchema, type Model } from "../../gen/trunkline/v1/models_pb.ts";
import { type AddressFlags, addressOptions, gatewayAddress } from "./gateway-address.ts";
import { modelsUpdateCommand } from "./models-update.ts";
import { painter, safeFor, type Terminal } from "./terminal.ts";

interface ModelsFlags extends AddressFlags {
  readonly json?: true;
}

/** Most pages that are asked for; a page holds 1,000 models. */
const maxPages = 100;

/** `trunkline models`: what a running gateway offers. */
export function modelsCommand(terminal: Terminal): Command {
  const command = new Command("models")
    .description("List the models that a running gateway offers.")
    .option("--json", "print the answer of ModelsService as JSON");
  for (const option of addressOptions()) command.addOption(option);
  command.addCommand(modelsUpdateCommand(terminal));
  return command.action(async (flags: ModelsFlags) => {
    const address = gatewayAddress(flags, terminal.env);
    const { createRpcClient, explainCall } = await import("./rpc-client.ts");
    const client = createRpcClient(address).models;
    const models: Model[] = [];
    try {
      let pageToken = "";
      for (let page = 0; page < maxPages; page++) {
        const answer = await client.listModels({ pageToken });
        models.push(...answer.models);
        pageToken = answer.nextPageToken;
        if (pageToken === "") break;
      }
    } catch (error) {
      throw explainCall(error, address);
    }
    terminal.stdout.write(flags.json ? toJson(models) : toTable(models, terminal));
  });
}

function toJson(models: Model[]): string {
  const list = { $typeName: ListModelsResponseSchema.typeName, models, nextPageToken: "" };
  return `${toJsonString(ListModelsResponseSchema, list, { prettySpaces: 2 })}\n`;
}

function toTable(models: readonly Model[], { stdout, env }: Terminal): string {
  const paint = painter(stdout, env);
  const rows = models.map((model) => [
    model.name,
    model.source,
    model.contextWindow?.toLocaleString("en-US") ?? "",
    model.capabilities.join(" "),
    model.available ? "" : "unavailable",
  ]);
  const head = ["MODEL", "FROM", "CONTEXT", "CAN", ""];
  const widths = head.map((title, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? title).length)));
  const line = (row: readonly string[]) =>
    safeFor(stdout, row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")).trimEnd();
  const body = rows.map((row) => (row[4] === "" ? line(row) : paint("dim", line(row))));
  const count = `${models.length} ${models.length === 1 ? "model" : "models"}`;
  return `${[paint("bold", line(head)), ...body, paint("dim", count)].join("\n")}\n`;
}
