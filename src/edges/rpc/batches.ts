/** The messages of a stream in the lists in which they come. Whoever reads one after the other may. */
export class Batches<T> implements AsyncIterable<T> {
  readonly lists: AsyncIterable<readonly T[]>;

  constructor(lists: AsyncIterable<readonly T[]>) {
    this.lists = lists;
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    for await (const list of this.lists) yield* list;
  }
}
