import { expect, expectTypeOf, it } from "vitest";
import type { StreamChatResponse } from "../../gen/trunkline/v1/chat_pb.ts";
import { StreamChatResponseSchema } from "../../gen/trunkline/v1/chat_pb.ts";
import type { Frame } from "../../src/domain/chat.ts";

type Event = Exclude<StreamChatResponse["event"], { case: undefined }>;
/** The value of each case, by its name. */
type Values<T extends { readonly case: string; readonly value: unknown }> = { [E in T as E["case"]]: E["value"] };

it("a frame is the contract's event: the same cases with the same values", () => {
  expectTypeOf<Frame["case"]>().toEqualTypeOf<Event["case"]>();
  expectTypeOf<Values<Frame>>().toEqualTypeOf<Values<Event>>();
  // The types are checked by the compiler; what runs is that there is something to compare.
  expect(StreamChatResponseSchema.oneofs.map(({ name }) => name)).toContain("event");
});
