import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOf } from '../daemon/models.ts';
import { type Anything, near, packages } from './packages.ts';
import { type TinyText, writeTinyText } from './tiny-text-model.ts';

/*
 * Guards: what a real daemon answers to words is what the field's own library answers in process, on the
 * same files.
 */
const watchdog = { timeout: 120_000 };

const { pack: packFiles, daemon } = packages();

async function pack(name: string, about: TinyText) {
  const { ask, reply, reference } = await packFiles(name, (folder) => writeTinyText(folder, about));
  return { ask, refused: reply, reference };
}

const texts = ['Hello, MLOS!', 'The cat sat on a mat in Paris', 'nice'];
const sentence = {
  'modules.json': [
    { type: 'sentence_transformers.models.Transformer', path: '' },
    { type: 'sentence_transformers.models.Pooling', path: '1_Pooling' },
    { type: 'sentence_transformers.models.Normalize', path: '2_Normalize' },
  ],
  '1_Pooling/config.json': { pooling_mode_mean_tokens: true },
};

test('embeddings are pooled and normalised as the package says', watchdog, async () => {
  const about = { head: 'hidden', architecture: 'BertModel', files: sentence } as const;
  const { ask, reference, refused } = await pack('embed', about);
  const embed = await reference('feature-extraction');
  for (const text of texts) {
    const expected = (await embed(text, { pooling: 'mean', normalize: true })).tolist()[0];
    near((await ask({ input: text })).embedding, expected);
  }
  const list = await ask({ input: texts, batch_size: 2 });
  for (const [index, { embedding, tokens }] of list.entries()) {
    const expected = (await embed(texts[index], { pooling: 'mean', normalize: true })).tolist()[0];
    near(embedding, expected);
    assert.ok(tokens >= 3);
  }
  const cls = (await embed('nice', { pooling: 'cls' })).tolist()[0];
  near((await ask({ input: 'nice', pooling: 'cls', normalize: false })).embedding, cls);
  const all = (await embed('very nice')).tolist()[0];
  const raw = (await ask({ input: 'very nice', pooling: 'none', normalize: false })).embedding;
  near(raw.flat(), all.flat());
  const four = (await ask({ input: 'nice', dimensions: 4 })).embedding;
  assert.equal(four.length, 4);
  near([Math.hypot(...four)], [1]);
  assert.equal(codeOf(await refused({ input: 'x', dimensions: 9 })), '400 INVALID_ARGUMENT');
  const long = { input: 'cat '.repeat(100), truncate: false };
  assert.match((await refused(long)).body.message, /102 tokens; the model reads 32/);
  near(
    (await ask({ input: 'cat '.repeat(100) })).embedding,
    (await embed('cat '.repeat(100), { pooling: 'mean', normalize: true })).tolist()[0],
  );
});

test('labels and scores are those of the library', watchdog, async () => {
  const labels = ['joy', 'anger', 'fear'];
  const about = {
    head: 'sequence',
    architecture: 'BertForSequenceClassification',
    labels,
  } as const;
  const { ask, reference } = await pack('classify', about);
  const classify = await reference('text-classification');
  for (const text of texts) {
    const expected = (await classify([text], { top_k: 3 }))[0];
    const { labels: found } = await ask({ input: text });
    assert.deepEqual(
      found.map((one: Anything) => one.label),
      expected.map((one: Anything) => one.label),
    );
    near(
      found.map((one: Anything) => one.score),
      expected.map((one: Anything) => one.score),
    );
  }
  assert.equal((await ask({ input: texts, top_k: 1 })).length, 3);
  assert.equal((await ask({ input: 'nice', top_k: 1 })).labels.length, 1);
});

test('words are labelled, gaps filled, questions answered', watchdog, async () => {
  const entities = ['O', 'B-LOC', 'I-LOC'];
  const named = {
    head: 'tokens',
    architecture: 'BertForTokenClassification',
    labels: entities,
  } as const;
  const tokens = await pack('entities', named);
  const label = await tokens.reference('token-classification');
  const expected = await label(texts[1], { aggregation_strategy: 'simple' });
  const found = (await tokens.ask({ input: texts[1] })).entities;
  assert.deepEqual(
    found.map((one: Anything) => [one.label, one.text]),
    expected.map((one: Anything) => [one.entity_group, one.word]),
  );

  const gaps = await pack('gaps', { head: 'tokens', architecture: 'BertForMaskedLM' });
  const fill = await gaps.reference('fill-mask');
  const filled = await fill('the [MASK] sat', { top_k: 3 });
  const { candidates } = await gaps.ask({ input: 'the [MASK] sat', top_k: 3 });
  assert.deepEqual(
    candidates.map((one: Anything) => one.text),
    filled.map((one: Anything) => one.sequence),
  );
  assert.match((await gaps.refused({ input: 'no gap' })).body.message, /\[MASK\]/);
  const behind = await gaps.refused({ input: `${'cat '.repeat(40)}[MASK]` });
  assert.match(behind.body.message, /gap lies behind the 32 tokens/);

  const spans = await pack('spans', { head: 'spans', architecture: 'BertForQuestionAnswering' });
  const answer = await spans.reference('question-answering');
  const asked = { question: 'cat', context: 'the cat sat on a mat' };
  const right = await answer(asked.question, asked.context);
  const { answers } = await spans.ask(asked);
  assert.equal(answers[0].text, right.answer);
  near([answers[0].score], [right.score]);
  const endless = { question: 'cat '.repeat(60), context: 'the cat sat on a mat' };
  assert.match((await spans.refused(endless)).body.message, /The question alone has 62 tokens/);
});

test('labels that a model was not trained on, and texts in order', watchdog, async () => {
  const labels = ['contradiction', 'neutral', 'entailment'];
  const about = {
    head: 'sequence',
    architecture: 'BertForSequenceClassification',
    labels,
  } as const;
  const { ask, reference } = await pack('entail', about);
  const classify = await reference('zero-shot-classification');
  const names = ['cat', 'paris', 'nice mat'];
  const expected = await classify('the cat sat', names);
  const { labels: found } = await ask({
    task: 'zero-shot-classification',
    input: 'the cat sat',
    candidate_labels: names,
  });
  assert.deepEqual(
    found.map((one: Anything) => one.label),
    expected.labels,
  );
  near(
    found.map((one: Anything) => one.score),
    expected.scores,
  );

  const ranks = {
    head: 'sequence',
    architecture: 'BertForSequenceClassification',
    labels: ['LABEL_0'],
  } as const;
  const rank = await pack('rank', ranks);
  const documents = ['a mat', 'paris is very nice', 'the cat'];
  const { ranking } = await rank.ask({ query: 'cat', documents });
  assert.deepEqual(
    ranking.map((one: Anything) => one.score),
    [...ranking].map((one: Anything) => one.score).sort((a, b) => b - a),
  );
  assert.deepEqual([...ranking].map((one: Anything) => one.index).sort(), [0, 1, 2]);
});

test(
  'tensors and tasks of a model share one copy, and a package without words takes tensors only',
  watchdog,
  async () => {
    const { ask } = await pack('both', {
      head: 'hidden',
      architecture: 'BertModel',
      files: sentence,
    });
    await ask({ input: 'nice' });
    const body = { inputs: { input_ids: [[2, 5, 3]], attention_mask: [[1, 1, 1]] } };
    const { status, body: answer } = await daemon().http.post('/models/t-both@1/inference', body);
    assert.equal(status, 200);
    assert.deepEqual(answer.output_shapes.last_hidden_state, [1, 3, 8]);
    const { body: stats } = await daemon().http.get('/stats/engine');
    const rows = JSON.stringify(stats).split('"t/both@1"').length - 1;
    assert.equal(rows, 1, JSON.stringify(stats));
  },
);

test('texts that would hold the process up are refused', watchdog, async () => {
  const { ask, refused } = await pack('long', {
    head: 'hidden',
    architecture: 'BertModel',
    files: sentence,
  });
  const tooLong = async (input: unknown, about: RegExp) => {
    const reply = await refused({ input });
    assert.equal(codeOf(reply), '413 PAYLOAD_TOO_LARGE');
    assert.match(reply.body.message, about);
  };
  await tooLong('cat '.repeat(2_500_000), /10000000 characters together; the limit is 2097152/);
  await tooLong(['x'.repeat(1_500_000), 'y'.repeat(1_500_000)], /3000000 characters together/);
  await tooLong('cat '.repeat(100_000), /400000 characters; models read 262144 at once/);
  const list = Array.from({ length: 10 }, () => 'cat '.repeat(50_000));
  const found = await ask({ input: list });
  assert.deepEqual(
    found.map(({ tokens }: Anything) => tokens),
    list.map(() => 32),
  );
});
