import { Command, CommanderError } from "commander";
import { chatCommand } from "./chat.ts";
import { checkCommand } from "./check.ts";
import { exitCodeHelp, exitCodes, explain } from "./exit.ts";
import { modelsCommand } from "./models.ts";
import { type Serve, serveCommand, workerCommand } from "./serve.ts";
import { type Simulate, simulateCommand } from "./simulate.ts";
import { painter, type Terminal } from "./terminal.ts";

export interface CliParts {
  readonly version: string;
  readonly terminal: Terminal;
  readonly serve: Serve;
  readonly simulate: Simulate;
  /** One worker of `serve`, which that starts. */
  readonly worker: () => Promise<void>;
}

/**
 * The `trunkline` command.
 * @returns a function that runs it with the arguments after the program's name and gives the exit code; it never throws
 */
export function createCli(parts: CliParts): (args: readonly string[]) => Promise<number> {
  const { terminal } = parts;
  return async (args) => {
    const program = createProgram(parts);
    try {
      await program.parseAsync(args, { from: "user" });
      return exitCodes.ok;
    } catch (error) {
      // commander has already written its sentence, or the help or version that was asked for.
      if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
      const { sentence, exitCode } = explain(error);
      terminal.stderr.write(`${painter(terminal.stderr, terminal.env)("red", "trunkline:")} ${sentence}\n`);
      if (program.opts<{ debug?: true }>().debug) terminal.stderr.write(`${trace(error)}\n`);
      return exitCode;
    }
  };
}

function createProgram({ version, terminal, serve, simulate, worker }: CliParts): Command {
  const program = new Command("trunkline")
    .description("A self-hosted AI gateway: one typed line to every model.")
    .version(version, "-V, --version", "print the version")
    .option("--debug", "show where a failure happened")
    .addHelpText("after", `\n${exitCodeHelp}`);
  const commands = [
    serveCommand(serve),
    simulateCommand(simulate),
    checkCommand(terminal),
    modelsCommand(terminal),
    chatCommand(terminal),
  ];
  for (const command of commands) program.addCommand(command);
  program.addCommand(workerCommand(worker), { hidden: true });
  // Settings of commander are not handed down to commands that are added whole.
  for (const command of [program, ...commands, ...commands.flatMap(({ commands: inner }) => inner)]) {
    command
      .exitOverride()
      .showSuggestionAfterError()
      .configureOutput({
        writeOut: (text) => terminal.stdout.write(text),
        writeErr: (text) => terminal.stderr.write(text),
        getOutHasColors: () => false,
        getErrHasColors: () => false,
      });
  }
  return program;
}

function trace(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\ncaused by ${trace(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
