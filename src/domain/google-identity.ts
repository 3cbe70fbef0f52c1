import type { Secret } from "./secret.ts";

/** Who asks Google for access tokens, which hold for an hour or so. */
export type GoogleIdentity =
  | {
      readonly kind: "service_account";
      readonly email: string;
      readonly keyId: string;
      /** PEM. */
      readonly privateKey: Secret;
      readonly tokenUri: string;
    }
  | {
      readonly kind: "user";
      readonly clientId: string;
      readonly clientSecret: Secret;
      readonly refreshToken: Secret;
      readonly tokenUri: string;
    }
  /** The machine itself: its metadata server hands tokens out. @property origin such as `http://metadata.google.internal` */
  | { readonly kind: "machine"; readonly origin: string };
