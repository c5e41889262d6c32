import { isCode } from '../code-files.ts';

const pickles =
  /\.(pt|pth|ckpt|pkl|pickle|joblib|dill|ptl|cpkl|pdparams|pdopt)(\.(gz|z|bz2|xz|lzma|lz4|zst))?$|\.pth\.tar$/i;
const weights = /(pytorch_model|(^|\/)adapter_model)[^/]*\.bin$/;

/** Names of files that are loaded as pickles: what cannot be followed in them is not harmless. */
export function isPickleName(name: string): boolean {
  return pickles.test(name) || weights.test(name);
}

const texts =
  /\.(txt|md|markdown|rst|jsonl?|ya?ml|[ct]sv|xml|html?|css|cfg|ini|conf|toml|jinja2?|j2|tiktoken|vocab|bpe|lock|log|svg|tex|bib|proto|p(bt|roto)xt|srt|vtt|po|properties)$|(^|\/)(LICEN[CS]E|NOTICE|COPYING|USE_POLICY|README|CHANGELOG|Makefile|Dockerfile|\.git\w+)[^/]*$/i;

/** Names of text, which nobody loads as a pickle. Its first lines could be the opcodes of one by chance. */
export function isTextName(name: string): boolean {
  return texts.test(name) || isCode(name);
}

/** Archives of other things. One that cannot be read is damaged, not dangerous. */
export function isArchiveName(name: string): boolean {
  return /\.(zip|keras|docx|xlsx|pptx|od[tsp]|epub)$/i.test(name);
}
