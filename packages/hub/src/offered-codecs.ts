/** Codecs of video that an offer names, in small letters: what its sender can receive. RFC 8866 section 6.6. */
export function offeredVideoCodecs(sdp: string): string[] {
  const names = [...sdp.matchAll(/^a=rtpmap:\d{1,3} ([A-Za-z0-9-]{1,20})\/90000\r?$/gm)].map(([, name]) =>
    name?.toLowerCase(),
  );
  return [...new Set(names.filter((name) => name !== undefined && name !== "rtx"))] as string[];
}
