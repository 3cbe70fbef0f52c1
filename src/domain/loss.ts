import { GatewayError } from "./errors.ts";

/** A setting of the caller that the target does not get as it was. */
export interface Loss {
  /** Path of the field in the contract, such as `temperature` or `messages[0].parts[2].image.detail`. */
  readonly field: string;
  readonly action: "dropped" | "approximated";
  /** Why, for people. */
  readonly message: string;
}

/**
 * Collects what a translation could not carry over. Under the REFUSE policy the first loss refuses the request instead,
 * before anything is sent.
 */
export class LossReport {
  readonly #losses: Loss[] = [];
  readonly #refuse: boolean;

  constructor(refuse: boolean) {
    this.#refuse = refuse;
  }

  /** The setting is left out. @throws GatewayError `unsupported_parameter` under the REFUSE policy */
  drop(field: string, message: string): void {
    this.#add({ field, action: "dropped", message });
  }

  /** The setting is sent in another form or with another value. @throws as `drop` */
  approximate(field: string, message: string): void {
    this.#add({ field, action: "approximated", message });
  }

  get losses(): readonly Loss[] {
    return this.#losses;
  }

  #add(loss: Loss): void {
    if (this.#refuse) {
      const advice = "Leave it out, choose another model, or set loss_policy to REPORT.";
      throw new GatewayError("unsupported_parameter", `${loss.field}: ${loss.message} ${advice}`, {
        field: loss.field,
        retryable: false,
      });
    }
    this.#losses.push(loss);
  }
}
