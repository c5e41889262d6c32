import type { Context } from '../../context.ts';
import type { Hub, HubSpec, SearchHit } from '../hub.ts';
import { idSegment } from '../id-segment.ts';
import { parsePytorchSpec } from './pytorch-spec.ts';

/** PyTorch Hub: torchvision's weights, and repositories with a hubconf.py. */
export const pytorchHub: Hub = {
  names: ['pytorch', 'torch'],
  example: 'pytorch/vision/<model>@<weights>',
  parse(text: string, context: Context): HubSpec {
    const spec = parsePytorchSpec(text);
    const name = spec.kind === 'vision' ? `vision/${spec.builder}` : `${spec.repo}/${spec.entry}`;
    const version = spec.kind === 'vision' ? spec.asked : idSegment(spec.ref ?? 'latest');
    return {
      id: { namespace: 'pytorch', name, version },
      origin: { hub: 'pytorch', id: name },
      async resolve() {
        if (spec.kind === 'vision') {
          const { visionSource } = await import('./vision-source.ts');
          return visionSource(spec.builder, spec.asked, context);
        }
        const { hubconfSource } = await import('./hubconf-source.ts');
        return hubconfSource(spec, context);
      },
    };
  },
  /** Among torchvision's models; PyTorch Hub itself cannot be searched. */
  async search(words: string, limit: number): Promise<readonly SearchHit[]> {
    const { allWeights } = await import('./weights.ts');
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    return allWeights
      .filter(
        ({ isDefault, builder }) => isDefault && wanted.every((word) => builder.includes(word)),
      )
      .slice(0, limit)
      .map(({ builder, enumName, member, license }) => ({
        spec: `pytorch/vision/${builder}`,
        description: `torchvision ${enumName}.${member}`,
        ...(license === null ? {} : { license }),
      }));
  },
};
