/** What the method table has no row for: calls that answer more than once. */
export const inferenceStreams = `  // The same, many times over one call; several run at once. A failed one does not end the stream.
  rpc InferStream(stream InferStreamRequest) returns (stream InferStreamResponse);
  // Once, with what a model writes as it writes it.
  rpc InferEvents(InferRequest) returns (stream InferEvent);
`;

/** Tensors, and the streams of inferences: what the table has no row for. */
export function inferenceMessages(files) {
  files.fixed('inference', 'Tensor', 'Elements are little-endian and row-major.', [
    ['dtype', 'string', 'float32, int64, bool, string …; of an input it may be left out.'],
    ['shape', 'repeated int64', 'No dimension: a scalar.'],
    ['data', 'bytes', 'The elements of every dtype but string.'],
    ['strings', 'repeated string', 'The elements of dtype string.'],
  ]);
  files.fixed('inference', 'NamedTensor', 'An input or an output.', [
    ['name', 'string', ''],
    ['tensor', 'Tensor', '', 'value'],
    [
      'json',
      'google.protobuf.Value',
      'Inputs only: a scalar, a flat or nested list, or {"dtype", "shape", "data"}.',
      'value',
    ],
  ]);
  files.fixed('inference', 'Error', 'As in the metadata of a call that failed.', [
    ['code', 'string', 'A code of docs/errors.md.'],
    ['message', 'string', ''],
    ['details', 'google.protobuf.Value', ''],
    ['request_id', 'string', 'Under which the log has it.'],
  ]);
  files.fixed('inference', 'InferStreamRequest', 'One inference of a stream.', [
    ['id', 'string', 'Comes back with the answer.'],
    ['request', 'InferRequest', ''],
  ]);
  files.fixed('inference', 'InferStreamResponse', 'Its answer, in the order of the requests.', [
    ['id', 'string', ''],
    ['response', 'InferResponse', '', 'outcome'],
    ['error', 'Error', '', 'outcome'],
  ]);
  files.fixed('inference', 'TokenLogprob', 'A token that was chosen, or could have been.', [
    ['token', 'string', ''],
    ['logprob', 'double', 'The natural logarithm of its probability.'],
    ['top', 'repeated TokenLogprob', 'Of a chosen one: the likeliest in its place.'],
  ]);
  files.fixed('inference', 'WrittenText', 'What was written since the last event.', [
    ['text', 'string', ''],
    ['tokens', 'int64', 'Tokens since the last event.'],
    ['logprobs', 'repeated TokenLogprob', 'Where the request asks for them.'],
    ['thinking', 'string', 'What the model thought, beside the text.'],
  ]);
  files.fixed('inference', 'InferEvent', 'A piece of what is written, or the whole answer.', [
    ['written', 'WrittenText', 'Any number of times.', 'event'],
    ['response', 'InferResponse', 'Once, at the end: the answer that Infer gives.', 'event'],
  ]);
}
