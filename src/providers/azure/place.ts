import type { ProviderInstance } from "../../domain/instance.ts";
import type { ProviderRequest } from "../provider.ts";
import { deploymentOf } from "./server.ts";

/**
 * Where a request goes: `/openai/v1/…`, where the body names the deployment, or with a dated `api-version` below the
 * deployment. Base URLs are those that the SDKs take: the resource, or with `/openai`, or with `/openai/v1`.
 */
export function place(
  { path, memory }: ProviderRequest,
  basePath: string,
  { apiVersion }: Pick<ProviderInstance, "apiVersion">,
): string {
  const resource = basePath.replace(/\/openai(\/v1)?$/, "");
  if (apiVersion === undefined || !/^\d/.test(apiVersion)) {
    // A gateway in front may have a path of its own that ends in the version.
    const base = basePath.endsWith("/v1") ? basePath : `${resource}/openai/v1`;
    return base + path + (apiVersion === undefined ? "" : `?api-version=${apiVersion}`);
  }
  const deployment = encodeURIComponent(deploymentOf(memory.target));
  const below = path === "/responses" ? "" : `/deployments/${deployment}`;
  return `${resource}/openai${below}${path}?api-version=${apiVersion}`;
}
