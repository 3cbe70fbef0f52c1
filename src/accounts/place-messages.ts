/** What a worker says to the ledger of places. */
export type PlaceAsk =
  /** A request wants a place and found none at hand. */
  | { readonly kind: "want"; readonly id: number; readonly priority: number }
  /** That request has gone. */
  | { readonly kind: "leave"; readonly id: number }
  /** Places that it does not need. */
  | { readonly kind: "back"; readonly count: number }
  /** It has given back all that it does not need, as it was asked to. */
  | { readonly kind: "recalled" }
  /** It has used up what it had at hand. */
  | { readonly kind: "more" };

/** What the ledger says to a worker. */
export type PlaceAnswer =
  /** Places to keep at hand, and how many to ask and give back at a time. */
  | { readonly kind: "lease"; readonly count: number; readonly batch: number }
  | { readonly kind: "enter"; readonly id: number; readonly queued: boolean }
  /** There is none now: it stands in the queue. */
  | { readonly kind: "stand"; readonly id: number }
  /** Neither a place nor room in the queue. */
  | { readonly kind: "refuse"; readonly id: number }
  /** Places have become scarce: each goes back as it becomes free, until `plenty`. */
  | { readonly kind: "scarce" }
  | { readonly kind: "plenty" }
  /** Whether a request that came now could not even wait. */
  | { readonly kind: "full"; readonly full: boolean };
