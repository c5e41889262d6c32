import { MlosError } from '../../protocol/errors.ts';
import type { Sampling } from './settings.ts';

/** Errors: INVALID_VALUE for a token that the model does not have. */
export function checkBias(bias: Sampling['bias'], vocabulary: number): void {
  const strange = bias.find(({ token }) => token >= vocabulary);
  if (strange === undefined) return;
  throw new MlosError(
    'INVALID_VALUE',
    `logit_bias has the token ${strange.token}; the model's tokens are 0 to ${vocabulary - 1}.`,
    { details: { param: 'logit_bias' } },
  );
}
