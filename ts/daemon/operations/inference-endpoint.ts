/** `/models/hf-bert-base-uncased@latest/inference`: with dashes it pastes into any shell. */
export function inferenceEndpoint(modelId: string): string {
  return `/models/${modelId.replaceAll('/', '-')}/inference`;
}
