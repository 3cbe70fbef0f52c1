import { type ChildProcess, fork } from "node:child_process";
import type { Connection } from "../edges/acceptor.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

/** A worker process, as the primary holds it. */
export interface Child {
  readonly pid: number | undefined;
  send(message: ToWorker): void;
  /** Hands a connection over. It is closed if the worker dies before it got it. */
  give(socket: Connection): void;
  kill(): void;
}

export interface ChildListener {
  /** Messages come in the order in which they were sent. */
  message(message: FromWorker): void;
  /** Called once. @param how the exit code, or the name of the signal */
  exit(how: number | string): void;
}

/** Starts a worker process. */
export type Fork = (listener: ChildListener) => Child;

/**
 * Starts the program that runs now once more, with the flags that Node was given, as `worker`. Its log lines go where
 * the primary's go.
 * @param program path of the entry file, the bundle's included
 */
export function createFork(program: string): Fork {
  return (listener) => {
    const child = fork(program, ["worker"], {
      serialization: "advanced",
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    // Sent by us alone.
    child.on("message", (message) => listener.message(message as FromWorker));
    let isOver = false;
    const over = (how: number | string) => {
      if (isOver) return;
      isOver = true;
      listener.exit(how);
    };
    child.once("exit", (code, signal) => over(code ?? signal ?? "unknown"));
    // It could not be started, or not be reached: the second shows by its end too.
    child.on("error", (error) => {
      if (child.pid === undefined) over(error.message);
    });
    return {
      pid: child.pid,
      send: (message) => tell(child, message),
      give(socket) {
        if (!child.connected) return void socket.destroy();
        const end = () => socket.destroy();
        child.once("exit", end);
        socket.once("close", () => child.off("exit", end));
        // Kept open until it has been sent, and then closed here: a socket that Node itself closes when the worker says that
        // it got it stays open for ever when the worker dies before it says so. What is on its way dies with its reader.
        child.send({ kind: "connection" } satisfies ToWorker, socket, { keepOpen: true }, end);
      },
      kill: () => void child.kill("SIGKILL"),
    };
  };
}

/** Sends; a worker that is gone hears nothing, which its end tells. */
function tell(child: ChildProcess, message: ToWorker): void {
  if (child.connected) child.send(message, () => {});
}
