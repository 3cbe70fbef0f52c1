/** Whether the gateway can serve, for probes; turned off while it drains. */
export interface Readiness {
  readonly ready: boolean;
  /** Calls back after each change. The returned function ends that. */
  subscribe(callback: (ready: boolean) => void): () => void;
}

export class ReadinessSwitch implements Readiness {
  #ready = false;
  readonly #callbacks = new Set<(ready: boolean) => void>();

  get ready(): boolean {
    return this.#ready;
  }

  turn(ready: boolean): void {
    if (ready === this.#ready) return;
    this.#ready = ready;
    for (const callback of this.#callbacks) callback(ready);
  }

  subscribe(callback: (ready: boolean) => void): () => void {
    this.#callbacks.add(callback);
    return () => void this.#callbacks.delete(callback);
  }
}
