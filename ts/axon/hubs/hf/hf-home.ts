import path from 'node:path';

/** Where Hugging Face's own tools keep what is the user's: token and cache. */
export function hfHome(env: NodeJS.ProcessEnv): string {
  const cache = env['XDG_CACHE_HOME'] || path.join(env['HOME'] ?? '', '.cache');
  return env['HF_HOME'] || path.join(cache, 'huggingface');
}

/**
 * Where their cache may hold a file: blobs are named by their hash, snapshots by the commit. The folder is
 * named after the id as it was typed then, a former id too.
 */
export function cachedFiles(
  env: NodeJS.ProcessEnv,
  ids: readonly string[],
  file: { readonly hash: string; readonly commit: string; readonly path: string },
): string[] {
  const cache =
    env['HF_HUB_CACHE'] || env['HUGGINGFACE_HUB_CACHE'] || path.join(hfHome(env), 'hub');
  return ids.flatMap((id) => {
    const folder = path.join(cache, `models--${id.replaceAll('/', '--')}`);
    return [
      path.join(folder, 'blobs', file.hash),
      path.join(folder, 'snapshots', file.commit, file.path),
    ];
  });
}
