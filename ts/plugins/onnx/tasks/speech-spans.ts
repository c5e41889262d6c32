/*
 * A long recording is heard in spans that overlap, as Hugging Face's pipelines do it (chunk_length_s, a sixth of
 * it on either side): memory stays bounded, and no word is cut at a seam.
 */
const spanSeconds = 30;
const edgeSeconds = spanSeconds / 6;

/** In samples. `left` and `right` are heard with it, and belong to the neighbours. */
export interface Span {
  /** Where `left` begins. */
  readonly from: number;
  readonly left: number;
  readonly length: number;
  readonly right: number;
}

/** One span where the whole is short enough. `rate`: samples per second. */
export function cutSpeech(samples: number, rate: number): Span[] {
  const span = spanSeconds * rate;
  const edge = Math.round(edgeSeconds * rate);
  if (samples <= span) return [{ from: 0, left: 0, length: samples, right: 0 }];
  const spans: Span[] = [];
  for (let from = 0; ; from += span - 2 * edge) {
    const end = Math.min(samples, from + span);
    const left = from === 0 ? 0 : edge;
    const right = end === samples ? 0 : edge;
    spans.push({ from, left, length: end - from - left - right, right });
    if (end === samples) return spans;
  }
}
