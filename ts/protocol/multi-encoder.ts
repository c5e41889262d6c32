/** What several files of a model that run together are to each other. */
export const multiEncoders = ['multi-encoder', 'encoder-decoder', 'multi-model'] as const;
export type MultiEncoder = (typeof multiEncoders)[number];
