import { isMap, isScalar, isSeq, Lexer, parseDocument } from 'yaml';
import { MlosError } from './errors.ts';
import { limits } from './limits.ts';

/*
 * YAML from outside (manifests, plugin descriptions, settings) with bounds on bytes, keys and depth,
 * checked on the token stream before the library's recursive and quadratic parts see the text. A text
 * that begins like JSON is read as JSON, a part of YAML that is read in linear time.
 */
function fail(what: string, message: string, cause?: unknown): never {
  throw new MlosError('INVALID_MANIFEST', `${what}: ${message}`, { cause });
}

interface Counts {
  flow: number;
  dashes: number;
  keys: number;
  commas: number;
}

function count(counts: Counts, token: string): void {
  switch (token) {
    case '[':
    case '{':
      counts.flow += 1;
      break;
    case ']':
    case '}':
      counts.flow -= 1;
      break;
    case '-':
      counts.dashes += 1;
      break;
    case ':':
      counts.keys += 1;
      break;
    case ',':
      counts.commas += 1;
      break;
    default:
      if (token.startsWith('\n') || token.startsWith('\r')) counts.dashes = 0;
  }
}

/** Why a token has no place in a manifest, or null. */
function refusal(token: string): string | null {
  switch (token[0]) {
    case '&':
    case '*':
      return 'anchors and aliases are not allowed';
    case '!':
      return 'tags are not allowed';
    case '%':
    case '?':
      return `${JSON.stringify(token.slice(0, 40))} is not allowed`;
    case ' ':
      return token.length > 16 * limits.manifestDepth && token.trim() === ''
        ? 'it is indented too deeply; no manifest nests deeper'
        : null;
    default:
      return null;
  }
}

/**
 * Refuses, token by token and before anything recursive or quadratic in the YAML library runs, what
 * a manifest never needs: anchors, aliases, tags, directives, explicit keys, depth.
 */
function scanTokens(text: string, what: string): void {
  const counts: Counts = { flow: 0, dashes: 0, keys: 0, commas: 0 };
  let isContent = false;
  for (const token of new Lexer().lex(text)) {
    // The lexer announces a scalar by this mark; the token after it is text, whatever it looks like.
    const wasMark: boolean = isContent;
    isContent = !wasMark && token === '\x1f';
    if (wasMark) continue;
    const why = refusal(token);
    if (why !== null) fail(what, `${why}.`);
    count(counts, token);
    if (Math.max(counts.flow, counts.dashes) > limits.manifestDepth)
      fail(what, `it nests deeper than ${limits.manifestDepth}.`);
    if (counts.keys > limits.manifestYamlKeys || counts.commas > 8 * limits.manifestYamlKeys)
      fail(what, `it has more than ${limits.manifestYamlKeys} keys.`);
  }
}

function measure(node: unknown, depth: number, what: string): number {
  if (depth > limits.manifestDepth) fail(what, `it nests deeper than ${limits.manifestDepth}.`);
  if (isSeq(node)) return node.items.reduce<number>((n, i) => n + measure(i, depth + 1, what), 0);
  if (!isMap(node)) return 0;
  let keys = 0;
  for (const pair of node.items) {
    if (!isScalar(pair.key) || typeof pair.key.value !== 'string')
      fail(what, `${String(pair.key)} is not a text key.`);
    keys += 1 + measure(pair.value, depth + 1, what);
  }
  if (keys > limits.manifestYamlKeys)
    fail(what, `it has more than ${limits.manifestYamlKeys} keys.`);
  return keys;
}

function measureJson(value: unknown, depth: number, what: string): number {
  if (depth > limits.manifestDepth) fail(what, `it nests deeper than ${limits.manifestDepth}.`);
  if (typeof value !== 'object' || value === null) return 0;
  let keys = Array.isArray(value) ? 0 : Object.keys(value).length;
  for (const inner of Object.values(value)) keys += measureJson(inner, depth + 1, what);
  if (keys > limits.manifestKeys) fail(what, `it has more than ${limits.manifestKeys} keys.`);
  return keys;
}

function parseBoundedJson(text: string, what: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return fail(what, `not JSON: ${(error as Error).message}`, error);
  }
  measureJson(value, 1, what);
  return value;
}

function requireBytes(text: string, limit: number, what: string, hint = ''): void {
  const bytes = Buffer.byteLength(text);
  if (bytes > limit) fail(what, `it has ${bytes} bytes; the limit is ${limit}${hint}.`);
}

/** YAML to plain values with bounds on bytes, keys and depth; `what` names the file in errors. */
export function parseBoundedYaml(text: string, what: string): unknown {
  requireBytes(text, limits.manifestBytes, what);
  if (text.startsWith('{"') || text.startsWith('{\n')) return parseBoundedJson(text, what);
  requireBytes(
    text,
    limits.manifestYamlBytes,
    what,
    `, and ${limits.manifestBytes} where it is JSON`,
  );
  scanTokens(text, what);
  const document = parseDocument(text, { schema: 'core', version: '1.2', stringKeys: true });
  const [error] = document.errors;
  if (error !== undefined) fail(what, `not YAML: ${error.message.split('\n')[0] ?? ''}`, error);
  measure(document.contents, 1, what);
  return document.toJS({ maxAliasCount: 0 });
}
