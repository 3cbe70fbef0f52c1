/** Whether the gateway can serve, for probes; turned off while it drains. */
export interface Readiness {
  readonly ready: boolean;
  /** Whether it has changed for the last time: who watches need not wait any longer. */
  readonly final: boolean;
  /** Calls back after each change. The returned function ends that. */
  subscribe(callback: (ready: boolean) => void): () => void;
}

export class ReadinessSwitch implements Readiness {
  #ready = false;
  #final = false;
  readonly #callbacks = new Set<(ready: boolean) => void>();

  get ready(): boolean {
    return this.#ready;
  }

  get final(): boolean {
    return this.#final;
  }

  turn(ready: boolean): void {
    if (ready === this.#ready || this.#final) return;
    this.#ready = ready;
    for (const callback of this.#callbacks) callback(ready);
  }

  /** Off for good. */
  end(): void {
    this.turn(false);
    this.settle();
  }

  /** As it is for good: who watches is let go, and asks somebody else. */
  settle(): void {
    this.#final = true;
    for (const callback of this.#callbacks) callback(this.#ready);
  }

  subscribe(callback: (ready: boolean) => void): () => void {
    this.#callbacks.add(callback);
    return () => void this.#callbacks.delete(callback);
  }
}
