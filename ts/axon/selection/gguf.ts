import { nameOf } from '../formats/file-kinds.ts';
import type { Candidate, Found } from './candidate.ts';
import { groupBy, type Listing } from './listing.ts';
import { joinShards, type Weights } from './shards.ts';

const quantisation = /[-._]((?:UD-)?(?:I?Q\d+|TQ\d|B?F16|F32|MXFP4)(?:_[A-Z0-9]+)*)$/i;

/** One file or one set of shards is a model. The vision part comes with it and is never the model. */
export function ggufCandidates(listing: Listing): Found {
  const aside = new Map<string, string>();
  const vision: string[] = [];
  const models = listing.of('gguf').filter((path) => {
    if (/imatrix/i.test(nameOf(path))) aside.set(path, 'data of a quantiser, no model');
    else if (/^mmproj|[-._]mmproj/i.test(nameOf(path))) vision.push(path);
    else return true;
    return false;
  });
  const projectors = groupBy(joinShards(vision), ({ dir }) => dir);
  const candidates = joinShards(models).map((weights): Candidate => {
    const { dir, base, files, missing } = weights;
    const projector = visionPart(projectors.get(dir) ?? projectors.get('') ?? []);
    return {
      format: 'gguf',
      variant: quantisation.exec(base)?.[1] ?? '',
      dir,
      rank: 0,
      run: files.slice(0, 1),
      needs: [...files.slice(1), ...(projector?.files ?? [])],
      missing,
    };
  });
  return { candidates, aside };
}

/** Half precision is what vision parts are used in; else the first by name. */
function visionPart(parts: readonly Weights[]): Weights | undefined {
  return parts.find((part) => /(^|[^b])f16/i.test(part.base)) ?? parts[0];
}
