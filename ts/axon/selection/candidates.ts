import type { Found } from './candidate.ts';
import { kerasCandidates, savedModelCandidates, tfliteCandidates } from './folders.ts';
import { ggufCandidates } from './gguf.ts';
import type { Listing } from './listing.ts';
import { onnxCandidates } from './onnx.ts';
import { weightCandidates } from './weights.ts';

/** Groups names into what could be loaded, whole or not. */
export function candidatesOf(listing: Listing): Found {
  const found = [
    onnxCandidates(listing),
    ggufCandidates(listing),
    weightCandidates('safetensors', listing),
    savedModelCandidates(listing),
    tfliteCandidates(listing),
    kerasCandidates(listing),
    weightCandidates('pytorch', listing),
  ];
  return {
    candidates: found.flatMap(({ candidates }) => candidates),
    aside: new Map(found.flatMap(({ aside }) => [...aside])),
  };
}
