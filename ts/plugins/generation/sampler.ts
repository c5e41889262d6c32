import { seededRandom } from './random.ts';
import type { Sampling } from './settings.ts';

/*
 * From logits to a token, in the order of the field's libraries: penalties and bias, temperature, then what
 * leaves out unlikely tokens (top_k, top_p, min_p, typical_p), then a draw from the rest.
 */
interface Candidate {
  readonly token: number;
  /** Of the softmax over the candidates that were left when it was computed. */
  readonly probability: number;
}

export function likeliest(logits: Float32Array): number {
  let best = 0;
  let most = Number.NEGATIVE_INFINITY;
  for (let token = 0; token < logits.length; token += 1) {
    const logit = logits[token] as number;
    if (logit > most) {
      most = logit;
      best = token;
    }
  }
  return best;
}

/** log(Σ exp(logits)), exact for large numbers. */
export function logSumExp(logits: Float32Array): number {
  const most = logits[likeliest(logits)] as number;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - most);
  return most + Math.log(sum);
}

/** Tokens by their logits, the likeliest first; ties by their numbers. */
export function topTokens(logits: Float32Array, count: number): number[] {
  const best: number[] = [];
  for (let token = 0; token < logits.length; token += 1) {
    const logit = logits[token] as number;
    if (best.length === count && logit <= (logits[best[count - 1] as number] as number)) continue;
    let at = best.length;
    while (at > 0 && (logits[best[at - 1] as number] as number) < logit) at -= 1;
    best.splice(at, 0, token);
    if (best.length > count) best.pop();
  }
  return best;
}

export class Sampler {
  readonly #sampling: Sampling;
  readonly #random: () => number;

  constructor(sampling: Sampling) {
    this.#sampling = sampling;
    this.#random = seededRandom(sampling.seed);
  }

  /**
   * The next token. Changes `logits` where penalties or a bias do.
   * @param seen The tokens so far: the prompt's and the new ones.
   * @param promptLength How many of these are the prompt's.
   */
  next(logits: Float32Array, seen: readonly number[], promptLength: number): number {
    this.#penalize(logits, seen, promptLength);
    for (const { token, bias } of this.#sampling.bias) {
      logits[token] = (logits[token] as number) + bias;
    }
    if (this.#sampling.temperature === 0) return likeliest(logits);
    return this.#draw(this.#narrow(logits));
  }

  /** The repetition penalty looks at all tokens (arXiv:1909.05858), the two others at new ones, as OpenAI says. */
  #penalize(logits: Float32Array, seen: readonly number[], promptLength: number): void {
    const { repetitionPenalty, presencePenalty, frequencyPenalty, lookBack } = this.#sampling;
    const from = lookBack < 0 ? 0 : Math.max(0, seen.length - lookBack);
    if (repetitionPenalty !== 1) {
      for (const token of new Set(seen.slice(from))) {
        const logit = logits[token] as number;
        logits[token] = logit < 0 ? logit * repetitionPenalty : logit / repetitionPenalty;
      }
    }
    if (presencePenalty === 0 && frequencyPenalty === 0) return;
    const counts = new Map<number, number>();
    for (const token of seen.slice(Math.max(from, promptLength))) {
      counts.set(token, (counts.get(token) ?? 0) + 1);
    }
    for (const [token, count] of counts) {
      logits[token] = (logits[token] as number) - presencePenalty - frequencyPenalty * count;
    }
  }

  #narrow(logits: Float32Array): Candidate[] {
    const { temperature, topK, topP, minP, typicalP } = this.#sampling;
    const scaled = logits.map((logit) => logit / temperature);
    const count = topK > 0 ? Math.min(topK, scaled.length) : scaled.length;
    const order =
      count < scaled.length
        ? topTokens(scaled, count)
        : Array.from(scaled.keys()).sort((a, b) => (scaled[b] as number) - (scaled[a] as number));
    let left = softmax(order.map((token) => ({ token, score: scaled[token] as number })));
    if (topP < 1) left = share(left, topP);
    if (minP > 0) left = left.filter(({ probability }) => probability >= minP * mostOf(left));
    if (typicalP < 1) left = typical(left, typicalP);
    return left;
  }

  #draw(candidates: readonly Candidate[]): number {
    const total = candidates.reduce((sum, { probability }) => sum + probability, 0);
    let left = this.#random() * total;
    for (const { token, probability } of candidates) {
      left -= probability;
      if (left < 0) return token;
    }
    return (candidates.at(-1) as Candidate).token;
  }
}

function softmax(scores: readonly { token: number; score: number }[]): Candidate[] {
  const most = scores[0]?.score ?? 0;
  const weights = scores.map(({ score }) => Math.exp(score - most));
  const sum = weights.reduce((all, weight) => all + weight, 0);
  return scores.map(({ token }, at) => ({ token, probability: (weights[at] as number) / sum }));
}

const mostOf = (list: readonly Candidate[]) => list[0]?.probability ?? 0;

/** The first ones that together have the share of the probability; one at least. */
function share(list: readonly Candidate[], wanted: number): Candidate[] {
  const total = list.reduce((sum, { probability }) => sum + probability, 0);
  let sum = 0;
  const end = list.findIndex(({ probability }) => {
    sum += probability;
    return sum >= wanted * total;
  });
  return end < 0 ? [...list] : list.slice(0, end + 1);
}

/** Those whose surprise is nearest to what is to be expected (arXiv:2202.00666). */
function typical(list: readonly Candidate[], wanted: number): Candidate[] {
  const surprise = ({ probability }: Candidate) => -Math.log(Math.max(probability, 1e-300));
  const expected = list.reduce((sum, one) => sum + one.probability * surprise(one), 0);
  const away = (one: Candidate) => Math.abs(surprise(one) - expected);
  return share(
    [...list].sort((a, b) => away(a) - away(b)),
    wanted,
  );
}
