/** Text held back at most. Bytes. */
const maxHeldBytes = 65_536;
/**
 * The most that Linux writes to a pipe in one piece (PIPE_BUF): processes that write to the same one keep below it, or
 * the lines of one could stand in the middle of another's. Bytes.
 */
export const undividedBytes = 4_096;
/** How long a line may wait. Milliseconds. */
const maxHeldMs = 20;

/** Where lines go, one write each. */
interface Destination {
  write(text: string): unknown;
}

/**
 * Hands lines on fifty times a second: under load, a write to a file or pipe costs as much as all else that
 * a line takes. What is held when the process ends is written then, after a crash too.
 * @param maxBytes of one write, but for a line that is longer by itself
 */
export function batched(destination: Destination, maxBytes = maxHeldBytes): Destination {
  let held = "";
  let heldBytes = 0;
  let isScheduled = false;
  const flush = () => {
    isScheduled = false;
    if (held === "") return;
    const text = held;
    held = "";
    heldBytes = 0;
    destination.write(text);
  };
  process.once("exit", flush);
  return {
    write(line) {
      const bytes = Buffer.byteLength(line);
      if (heldBytes + bytes > maxBytes) flush();
      held += line;
      heldBytes += bytes;
      if (heldBytes >= maxBytes) flush();
      if (isScheduled || held === "") return;
      isScheduled = true;
      setTimeout(flush, maxHeldMs).unref();
    },
  };
}
