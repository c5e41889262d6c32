import { AxonError } from '../../axon-error.ts';
import type { Context } from '../../context.ts';
import type { StatusError } from '../../download/fetch-json.ts';
import { publicAddress } from '../../package/public-address.ts';
import type { Description, FileSource } from '../hub.ts';
import { httpStatusError } from '../status-error.ts';
import { findWeights, type Weights } from './weights.ts';
import { WeightsSource } from './weights-source.ts';

export const weightsOrigin = 'https://download.pytorch.org';

/** The address of the weights, at the mirror where one is named. */
export function weightsEndpoint(env: NodeJS.ProcessEnv): string {
  return (env['AXON_PYTORCH_ENDPOINT'] || weightsOrigin).replace(/\/+$/, '');
}

/** A model of torchvision: which file it is stands in a table, so nothing has to be asked. */
export function visionSource(builder: string, asked: string, context: Context): FileSource {
  const weights = findWeights(builder, asked);
  const url = `${weightsEndpoint(context.env)}/models/${weights.path}`;
  const pin = {
    hub: 'pytorch',
    id: `vision/${builder}`,
    revision: `${weights.member}-${weights.expected.hex.slice(0, 8)}`,
    url: publicAddress(url),
  };
  const files = [{ file: weights.file, url, expected: weights.expected }];
  return new WeightsSource(pin, files, describe(weights), missing(weights.file), context);
}

/** The store answers 403 for a file that is not there. */
export function missing(file: string): StatusError {
  return (response, body) =>
    response.status === 403 && body.includes('AccessDenied')
      ? new AxonError('NOT_FOUND', `${response.url.host} does not have ${file} (any more).`)
      : httpStatusError(file)(response, body);
}

function describe(weights: Weights): Description {
  const { builder, enumName, member, parameters, preprocessing, license } = weights;
  const facts = [
    `torchvision.models.${builder}, weights ${enumName}.${member}`,
    ...(parameters === null ? [] : [`${parameters} parameters`]),
    ...(preprocessing === null ? [] : [`preprocessing ${preprocessing}`]),
    'a state dict, which has no graph: it runs only once it is converted',
  ];
  return {
    description: `${facts.join('; ')}.`,
    homepage: 'https://pytorch.org/vision/stable/models.html',
    library: 'torchvision',
    tags: ['pytorch', 'torchvision'],
    ...(license === null ? {} : { license }),
  };
}
