/** SVG as text: as much of it as the chart needs. */
const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text) => String(text).replace(/[&<>"]/g, (sign) => escapes[sign]);

/** `children`: elements, or the text of one. */
export function element(name, attributes = {}, children = []) {
  const given = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escaped(typeof value === 'number' ? round(value) : value)}"`)
    .join('');
  const inner = typeof children === 'string' ? escaped(children) : children.join('');
  return inner === '' ? `<${name}${given}/>` : `<${name}${given}>${inner}</${name}>`;
}

function round(value) {
  return Math.round(value * 100) / 100;
}

export function text(x, y, content, attributes = {}) {
  return element('text', { x, y, ...attributes }, content);
}

export function line(x1, y1, x2, y2, attributes = {}) {
  return element('line', { x1, y1, x2, y2, ...attributes });
}

/** A position for every value of [min, max] between `from` and `to`. */
export function linearScale(min, max, from, to) {
  return (value) => from + ((value - min) / (max - min)) * (to - from);
}

export function logScale(min, max, from, to) {
  const linear = linearScale(Math.log10(min), Math.log10(max), from, to);
  return (value) => linear(Math.log10(Math.min(Math.max(value, min), max)));
}

/** Powers of ten around the values. */
export function decades(values) {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(Math.ceil(Math.log10(Math.max(...values))), low + 1);
  return Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
}

/** Round steps from 0 to above the largest value. */
export function steps(max) {
  const rough = max / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((value) => value >= rough);
  return Array.from({ length: Math.ceil(max / step) + 1 }, (_, i) => i * step);
}
