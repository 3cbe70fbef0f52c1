import { Command, InvalidArgumentError } from "commander";

export interface SimulateOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Pause between two tokens of a stream. Milliseconds. */
  readonly tokenDelayMs: number;
}

/** Starts the simulator alone and returns when it has stopped. */
export type Simulate = (options: SimulateOptions) => Promise<void>;

/** `trunkline simulate`: a server that speaks the providers' wire formats, for tests and first steps. */
export function simulateCommand(simulate: Simulate): Command {
  return new Command("simulate")
    .description("Start the provider simulator alone: OpenAI and Anthropic wire formats, answers that need no key.")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("-p, --port <number>", "port to listen on; 0 picks one", wholeNumber(0, 65_535), 8090)
    .option("--token-delay-ms <number>", "pause between two tokens of a stream", wholeNumber(0, 60_000), 20)
    .action((options: SimulateOptions) => simulate(options));
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,9}$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It takes a whole number from ${min} to ${max}.`);
  };
}
