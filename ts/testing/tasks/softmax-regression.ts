/*
 * Softmax regression by gradient descent, one example at a time, in the order they come: a model that has really
 * learned something, in a second. Numbers are repeatable.
 */
export interface Example {
  readonly features: Float32Array;
  readonly label: number;
}

/** Of a row of `weights` for each feature, and a column for each class; the likeliest has the largest. */
function scores(weights: Float32Array, features: Float32Array, classes: number): Float64Array {
  const sums = new Float64Array(classes);
  for (const [row, value] of features.entries()) {
    if (value === 0) continue;
    for (let column = 0; column < classes; column += 1) {
      sums[column] = (sums[column] as number) + value * (weights[row * classes + column] as number);
    }
  }
  return sums;
}

function softmax(values: Float64Array): Float64Array {
  const most = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - most));
  const sum = powers.reduce((all, value) => all + value, 0);
  return powers.map((value) => value / sum);
}

/** Weights [features, classes], row-major. */
export function learn(
  examples: readonly Example[],
  { classes, rounds, rate }: { classes: number; rounds: number; rate: number },
): Float32Array {
  const width = examples[0]?.features.length ?? 0;
  const weights = new Float32Array(width * classes);
  for (let round = 0; round < rounds; round += 1) {
    for (const { features, label } of examples) {
      const wrong = softmax(scores(weights, features, classes));
      wrong[label] = (wrong[label] as number) - 1;
      for (const [row, value] of features.entries()) {
        if (value === 0) continue;
        for (let column = 0; column < classes; column += 1) {
          const at = row * classes + column;
          weights[at] = (weights[at] as number) - rate * value * (wrong[column] as number);
        }
      }
    }
  }
  return weights;
}
