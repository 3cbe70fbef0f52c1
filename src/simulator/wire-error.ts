/** A refusal, before it is written in one provider's form. */
export class WireError extends Error {
  override readonly name = "WireError";
  readonly status: number;
  /** The provider's class of error, such as `invalid_request_error`. */
  readonly type: string;
  /** OpenAI's machine-readable reason. */
  readonly code: string | null;
  /** OpenAI's name of the member that is wrong. */
  readonly param: string | null;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, type: string, message: string, more: WireErrorDetail = {}) {
    super(message);
    this.status = status;
    this.type = type;
    this.code = more.code ?? null;
    this.param = more.param ?? null;
    this.headers = more.headers ?? {};
  }
}

export interface WireErrorDetail {
  readonly code?: string;
  readonly param?: string;
  readonly headers?: Readonly<Record<string, string>>;
}
