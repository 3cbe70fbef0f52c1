import { gemini } from "./gemini.ts";
import type { Upstream } from "./upstream.ts";

/** Google's models at Vertex: the same body at another address. */
export const vertex: Upstream = {
  ...gemini,
  name: "Vertex",
  kind: "vertex",
  basePath: "/vertex/v1/projects/simulated/locations/global",
};
