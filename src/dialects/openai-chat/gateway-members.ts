/** Members of a chat request's body that are the gateway's own: no provider sees them, whatever its dialect. */
export const gatewayMembers: ReadonlySet<string> = new Set(["provider_options", "fallback_models"]);
