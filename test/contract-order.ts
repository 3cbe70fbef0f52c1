import type { Frame } from "../src/domain/chat.ts";

/**
 * What is wrong with the order of an answer's frames, by the contract ("StreamChatResponse"); empty when nothing is.
 * @param ended whether the answer ended well; a failed one may stop anywhere
 */
export function orderFaults(frames: readonly Frame[], ended: boolean): readonly string[] {
  const faults: string[] = [];
  const opened = new Map<number, number>();
  const closed = new Set<string>();
  const finished = new Set<number>();
  let started = false;
  let completed = false;

  for (const [position, frame] of frames.entries()) {
    const fault = (what: string) => faults.push(`frame ${position} (${frame.case}): ${what}`);
    if (completed) fault("comes after completed");
    if (frame.case === "heartbeat" || frame.case === "notice") continue;
    if (frame.case === "started" && started) fault("comes twice");
    if (frame.case !== "started" && !started) fault("comes before started");
    started = true;
    completed = frame.case === "completed";
    if (frame.case === "finished") {
      if (finished.has(frame.choice)) fault("finishes its choice twice");
      finished.add(frame.choice);
    }
    if (!partCases.has(frame.case)) continue;
    const place = `${frame.choice}/${frame.part}`;
    const known = opened.get(frame.choice) ?? 0;
    if (finished.has(frame.choice)) fault("comes after its choice finished");
    if (closed.has(place)) fault("reopens a closed part");
    if (frame.part > known) fault(`opens part ${frame.part} before part ${known}`);
    if (frame.part === known) {
      opened.set(frame.choice, known + 1);
      if (frame.case !== "textDelta" && frame.case !== "partStarted") fault("opens a part that is not plain text");
    } else if (frame.case === "partStarted") fault("starts a part twice");
    if (frame.case === "partFinished") closed.add(place);
    if (typeof frame.value === "string" && frame.value === "") fault("is an empty delta");
  }
  if (ended && !completed) faults.push("the answer has no completed");
  if (ended && finished.size === 0) faults.push("no choice finished");
  return faults;
}

const partCases: ReadonlySet<string> = new Set([
  "textDelta",
  "reasoningDelta",
  "refusalDelta",
  "argumentsDelta",
  "mediaDelta",
  "transcriptDelta",
  "partStarted",
  "partFinished",
  "annotation",
]);
