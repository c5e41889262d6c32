import { readsZstd } from '../../package/decompressor.ts';
import type { Descriptor } from './manifest.ts';

/*
 * What a layer holds. Three families say it in their media types, all others in the annotations that
 * ORAS made usual:
 * ModelPack   application/vnd.cncf.model.<weight|weight.config|doc|code|dataset>.v1.<raw|tar…>
 * KitOps      application/vnd.kitops.modelkit.<model|code|dataset|docs>.v1.tar…
 * Docker      application/vnd.docker.ai.<gguf.v3|safetensors|mmproj|license|chat.template…>
 * Ollama      application/vnd.ollama.image.<model|projector|adapter|template|system|params|license|messages>
 */
export type LayerContent =
  | { readonly kind: 'file'; readonly path: string; readonly layer: Descriptor }
  | { readonly kind: 'tar'; readonly layer: Descriptor }
  /** Compressed in a way that this Node does not read: known before it is fetched. */
  | { readonly kind: 'unreadable'; readonly layer: Descriptor };

/** By the end of the media type; Ollama's and Docker's layers carry no names. */
const usualNames: Readonly<Record<string, string>> = {
  'ollama.image.model': 'model.gguf',
  'ollama.image.projector': 'mmproj.gguf',
  'ollama.image.adapter': 'adapter.gguf',
  'ollama.image.template': 'template.txt',
  'ollama.image.system': 'system.txt',
  'ollama.image.params': 'params.json',
  'ollama.image.messages': 'messages.json',
  'ollama.image.license': 'LICENSE',
  'docker.ai.gguf.v3': 'model.gguf',
  'docker.ai.safetensors': 'model.safetensors',
  'docker.ai.mmproj': 'mmproj.gguf',
  'docker.ai.gguf.lora': 'adapter.gguf',
  'docker.ai.chat.template.jinja': 'chat_template.jinja',
  'docker.ai.license': 'LICENSE',
};

export function layerContents(layers: readonly Descriptor[]): LayerContent[] {
  const used = new Map<string, number>();
  return layers.map((layer): LayerContent => {
    const { mediaType, annotations } = layer;
    const [, packing] = /\b(tar(?:[+.](?:gzip|zstd))?)$/.exec(mediaType) ?? [];
    const unpack = annotations['io.deis.oras.content.unpack'] === 'true';
    if (packing?.endsWith('zstd') && !readsZstd) return { kind: 'unreadable', layer };
    if (packing !== undefined || unpack) {
      // A file of ORAS that merely is a tar keeps its name.
      const title = annotations['org.opencontainers.image.title'];
      if (title === undefined || unpack || /model/.test(mediaType)) return { kind: 'tar', layer };
    }
    return { kind: 'file', path: nameOf(layer, used), layer };
  });
}

function nameOf({ mediaType, annotations, digest }: Descriptor, used: Map<string, number>): string {
  const stated =
    annotations['org.cncf.model.filepath'] ??
    annotations['org.cnai.model.filepath'] ??
    annotations['org.opencontainers.image.title'];
  if (stated !== undefined) return stated;
  const key = mediaType.replace(/^application\/vnd\./, '');
  const usual = Object.hasOwn(usualNames, key) ? usualNames[key] : undefined;
  if (usual === undefined) return `${digest.slice('sha256:'.length, 'sha256:'.length + 12)}.bin`;
  const count = (used.get(usual) ?? 0) + 1;
  used.set(usual, count);
  return count === 1 ? usual : usual.replace(/(\.[a-z]+)?$/, `-${count}$1`);
}
