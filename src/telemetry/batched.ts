/** Text held back at most. Characters. */
const maxHeldChars = 65_536;
/** How long a line may wait. Milliseconds. */
const maxHeldMs = 20;

/** Where lines go, one write each. */
interface Destination {
  write(text: string): unknown;
}

/**
 * Hands lines on fifty times a second: under load, a write to a file or pipe costs as much as all else that
 * a line takes. What is held when the process ends is written then, after a crash too.
 */
export function batched(destination: Destination): Destination {
  let held = "";
  let isScheduled = false;
  const flush = () => {
    isScheduled = false;
    if (held === "") return;
    const text = held;
    held = "";
    destination.write(text);
  };
  process.once("exit", flush);
  return {
    write(line) {
      held += line;
      if (held.length >= maxHeldChars) flush();
      if (isScheduled || held === "") return;
      isScheduled = true;
      setTimeout(flush, maxHeldMs).unref();
    },
  };
}
