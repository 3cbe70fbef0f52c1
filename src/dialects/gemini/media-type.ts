/** The media type that the bytes show; undefined where they do not say. */
export function shownType(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 16)).toString("latin1");
  return marks.find(([mark]) => mark.test(head))?.[1];
}

const marks: readonly (readonly [mark: RegExp, type: string])[] = [
  [/^\x89PNG\r\n/, "image/png"],
  [/^\xff\xd8\xff/, "image/jpeg"],
  [/^GIF8[79]a/, "image/gif"],
  [/^RIFF.{4}WEBP/s, "image/webp"],
  [/^RIFF.{4}WAVE/s, "audio/wav"],
  [/^.{4}ftyp(?:heic|heix)/s, "image/heic"],
  [/^.{4}ftyp(?:mif1|msf1)/s, "image/heif"],
  [/^.{4}ftyp(?:isom|mp4|avc1)/s, "video/mp4"],
  [/^ID3/, "audio/mp3"],
  [/^OggS/, "audio/ogg"],
  [/^fLaC/, "audio/flac"],
  [/^%PDF-/, "application/pdf"],
];

/** The media type that an address ends in; undefined where it does not say. */
export function typeOfAddress(uri: string): string | undefined {
  const [, ending = ""] = /\.([a-z0-9]{2,5})(?:[?#].*)?$/i.exec(uri) ?? [];
  return endings.get(ending.toLowerCase());
}

const endings: ReadonlyMap<string, string> = new Map([
  ["png", "image/png"],
  ["jpg", "image/jpeg"],
  ["jpeg", "image/jpeg"],
  ["webp", "image/webp"],
  ["heic", "image/heic"],
  ["gif", "image/gif"],
  ["mp3", "audio/mp3"],
  ["wav", "audio/wav"],
  ["ogg", "audio/ogg"],
  ["flac", "audio/flac"],
  ["mp4", "video/mp4"],
  ["mov", "video/mov"],
  ["webm", "video/webm"],
  ["pdf", "application/pdf"],
  ["txt", "text/plain"],
  ["md", "text/markdown"],
  ["csv", "text/csv"],
  ["html", "text/html"],
]);
