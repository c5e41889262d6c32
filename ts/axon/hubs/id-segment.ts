/** Text of a hub as a part of a model id: what is not allowed there becomes `-`. */
export function idSegment(text: string): string {
  const safe = text.replace(/[^A-Za-z0-9._+-]+/g, '-').replace(/^[.-]+/, '');
  return safe === '' ? 'model' : safe.slice(0, 100);
}
