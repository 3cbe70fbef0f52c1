import { existsSync } from "node:fs";
import { main } from "../../src/main.ts";

/**
 * The gateway as it is, but that it can be made to fail: signals throw where nobody catches, and a variable or a
 * file in its folder ends workers as soon as they start.
 */
const [command] = process.argv.slice(2);
const isFaulty = process.env.TRUNKLINE_TEST_FAULT !== undefined || existsSync("fault-at-start");
if (command === "worker" && isFaulty) process.exit(3);
process.on("SIGUSR2", () => {
  throw new Error("planted exception");
});
process.on("SIGWINCH", () => {
  void Promise.reject(new Error("planted rejection"));
});
process.exitCode = await main(process.argv.slice(2));
