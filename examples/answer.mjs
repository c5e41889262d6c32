#!/usr/bin/env node
/**
 * Answers a question with the sentence that lies closest to it: words in, words out. Needs a daemon that has an
 * embedding model; starts none.
 *
 *     node examples/answer.mjs 'How do I get in?' [endpoint] [model id]
 *
 * The daemon cuts the words into tokens, runs the model and gives back vectors of length 1, so that the product of
 * two of them says how alike two texts are.
 */
import { pathToFileURL } from 'node:url';

export const modelId = 'demo/minilm@1';

export const sentences = [
  'If you forgot your password, ask for a new one under Settings, Security.',
  'Invoices are sent on the first day of each month.',
  'The printer on the second floor has no paper.',
  'To work from home, connect to the VPN first.',
  'The canteen is open from eleven to two.',
];

/** The embeddings of some texts. */
export async function embed(endpoint, model, texts) {
  const response = await fetch(`${endpoint}/models/${encodeURIComponent(model)}/inference`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ input: texts }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${answer.code}: ${answer.message}`);
  return answer.result.map(({ embedding }) => embedding);
}

const product = (one, other) => one.reduce((sum, value, at) => sum + value * other[at], 0);

/** The sentences by how alike they are to the question, 1 at most. */
export function ranked([question, ...others]) {
  return others
    .map((embedding, index) => ({ index, score: product(question, embedding) }))
    .sort((a, b) => b.score - a.score);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [question, endpoint = 'http://127.0.0.1:8080', model = modelId] = process.argv.slice(2);
  if (question === undefined) throw new Error('Ask something: node examples/answer.mjs QUESTION');
  const vectors = await embed(endpoint, model, [question, ...sentences]);
  for (const { index, score } of ranked(vectors)) {
    process.stdout.write(`${score.toFixed(3)}  ${sentences[index]}\n`);
  }
}
