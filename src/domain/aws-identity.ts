import type { Secret } from "./secret.ts";

/** Who signs requests to AWS, and for which region. */
export interface AwsIdentity {
  readonly region: string;
  readonly accessKeyId: Secret;
  readonly secretAccessKey: Secret;
  /** Of temporary credentials. */
  readonly sessionToken: Secret | null;
}
