import { create } from "@bufbuild/protobuf";
import { type Media, MediaSchema } from "../../../gen/trunkline/v1/message_pb.ts";
import { invalid, type Place, toText } from "../json-read.ts";

const maxUriBytes = 8_192;

/**
 * A picture, video or document by its address: a `data:` URL becomes octets, `https:` and `http:` addresses are for the
 * provider to read.
 * @throws GatewayError `invalid_value` for other schemes, credentials in the address and broken base64
 */
export function toMedia(value: unknown, place: Place): Media {
  const url = toText(value, place);
  if (/^data:/i.test(url)) return fromDataUrl(url, place);
  if (Buffer.byteLength(url) > maxUriBytes) throw invalid(place, `must have at most ${maxUriBytes} bytes.`);
  const address = hasControls(url) ? null : URL.parse(url);
  if (address === null) throw invalid(place, addressRule);
  if (address.protocol !== "https:" && address.protocol !== "http:") throw invalid(place, addressRule);
  if (address.username !== "" || address.password !== "") {
    throw invalid(place, "must not hold a user name or password.");
  }
  return create(MediaSchema, { source: { case: "uri", value: url } });
}

const addressRule = "must be an https: address or a base64 data: URL.";

/** `data:image/png;base64,…` with parameters allowed before `;base64`. */
function fromDataUrl(url: string, place: Place): Media {
  const comma = url.indexOf(",");
  const [mediaType = "", ...parameters] = url.slice("data:".length, Math.max(comma, 0)).split(";");
  if (comma === -1 || comma > maxDataUrlHead || parameters.at(-1)?.toLowerCase() !== "base64") {
    throw invalid(place, "must be a data: URL of the form 'data:<media type>;base64,<octets>'.");
  }
  if (!mediaTypePattern.test(mediaType)) throw invalid(place, "must name a media type, such as 'image/png'.");
  const data = fromBase64(url.slice(comma + 1), place);
  return create(MediaSchema, { source: { case: "data", value: data }, mediaType: mediaType.toLowerCase() });
}

const maxDataUrlHead = 512;
const mediaTypePattern = /^[\w.+-]{1,127}\/[\w.+-]{1,127}$/;

/** @throws GatewayError `invalid_value` when the text is empty or not base64 */
export function fromBase64(text: string, place: Place): Uint8Array {
  const digits = text.endsWith("==") ? text.length - 2 : text.endsWith("=") ? text.length - 1 : text.length;
  const bytes = Buffer.from(text, "base64");
  // Buffer skips what is not base64, so anything foreign shows as a missing octet.
  if (bytes.length === 0 || bytes.length !== Math.floor((digits * 3) / 4)) {
    throw invalid(place, "must hold base64 octets, at least one.");
  }
  return bytes;
}

function hasControls(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: URL.parse would strip them in silence
  return /[\x00-\x20\x7f]/.test(text);
}
