import { Command } from "commander";
import type { ChatClient } from "./chat-client.ts";
import { createPrinter } from "./chat-printer.ts";
import { createRestChat } from "./chat-rest.ts";
import { CliError, exitCodes } from "./exit.ts";
import { type AddressFlags, addressOptions, type GatewayAddress, gatewayAddress } from "./gateway-address.ts";
import type { Terminal } from "./terminal.ts";

interface ChatFlags extends AddressFlags {
  readonly model?: string;
  readonly system?: string;
  readonly rpc?: true;
}

/** Largest prompt that is read from standard input. Characters; the gateway's own limit is of this order. */
const maxPromptChars = 33_554_432;

/** `trunkline chat`: one question, its answer while it comes. */
export function chatCommand(terminal: Terminal): Command {
  const command = new Command("chat")
    .description("Ask a model through a running gateway, and show its answer while it comes.")
    .argument("[prompt...]", "the question; without one, or for `-`, text from standard input")
    .option("-m, --model <name>", "model to ask (default: the first that the gateway lists)")
    .option("-s, --system <text>", "instructions for the model")
    .option("--rpc", "use the typed service instead of the REST API");
  for (const option of addressOptions()) command.addOption(option);
  return command.action(async (words: string[], flags: ChatFlags) => {
    const address = gatewayAddress(flags, terminal.env);
    const prompt = await readPrompt(words, terminal);
    await ask(await createClient(flags.rpc === true, address), prompt, flags, terminal);
  });
}

async function ask(client: ChatClient, prompt: string, flags: ChatFlags, terminal: Terminal): Promise<void> {
  const controller = new AbortController();
  // Closing the connection is what cancels the call at the provider.
  const release = terminal.onInterrupt(() => controller.abort());
  const { signal } = controller;
  const printer = createPrinter(terminal);
  try {
    const model = flags.model ?? (await client.firstModel(signal));
    try {
      for await (const piece of client.stream({ model, system: flags.system ?? null, prompt }, signal))
        printer.show(piece);
    } finally {
      printer.end();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new CliError("Canceled.", exitCodes.interrupted, { cause: error });
  } finally {
    release();
  }
}

/** The RPC runtime takes 0.1 s to load; REST does without. */
async function createClient(rpc: boolean, address: GatewayAddress): Promise<ChatClient> {
  if (!rpc) return createRestChat(address);
  const { createRpcChat } = await import("./chat-rpc.ts");
  return createRpcChat(address);
}

/**
 * The prompt: the words of the command line, with standard input in place of `-`. Input is not read unasked, because a
 * pipe that nobody closes would wait forever.
 */
async function readPrompt(words: readonly string[], { stdin }: Terminal): Promise<string> {
  if (words.length > 0 && !words.includes("-")) return words.join(" ");
  if (stdin.isTTY === true) {
    throw new CliError('What is the question? Try: trunkline chat "Hello", or pipe text into it.', exitCodes.usage);
  }
  const decoder = new TextDecoder();
  let input = "";
  for await (const chunk of stdin) {
    input += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
    if (input.length > maxPromptChars) throw new CliError("The text on standard input is too long.", exitCodes.usage);
  }
  if (input.trim() === "") throw new CliError("Standard input held no text.", exitCodes.usage);
  const asked = words.filter((word) => word !== "-").join(" ");
  return asked === "" ? input : `${asked}\n\n${input}`;
}
