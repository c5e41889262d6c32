import { Type } from 'typebox';
import { limits } from './limits.ts';
import { timestampPattern } from './timestamp.ts';

/*
 * Sections of manifest.yaml that say what a model wants and how it was measured. All of them may be
 * absent: they are somebody's statements about the model, and axon invents none.
 */
const Maybe = Type.Optional;
const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
const Amount = Type.Number({ minimum: 0 });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

export const Timestamp = Type.String({
  pattern: timestampPattern,
  description: 'RFC 3339, as the source states it; never the time of an install.',
});

export const Author = Type.Object({
  name: Text(200),
  email: Maybe(Type.String({ maxLength: 200 })),
  organization: Maybe(Type.String({ maxLength: 200 })),
});

export const Preprocessing = Type.Object(
  {
    type: Text(64),
    tokenizer: Maybe(Type.String({ maxLength: 1_024, description: 'A file of the package.' })),
    tokenizer_type: Maybe(Type.String({ maxLength: 64 })),
    config: Maybe(Type.Record(Type.String(), Type.Unknown())),
  },
  { description: 'How the input is made: tokenization, normalization, resize.' },
);

const MinAndRecommended = Type.Object({
  min_gb: Maybe(Amount),
  recommended_gb: Maybe(Amount),
});

export const ModelStates = Type.Array(
  Type.Object({
    input: Text(limits.tensorNameLength),
    output: Text(limits.tensorNameLength),
    shape: Maybe(
      Type.Array(Type.Integer({ minimum: -1, maximum: Number.MAX_SAFE_INTEGER }), {
        maxItems: limits.tensorRank,
        description:
          "Of the first state; -1 is as many rows as the request has. The input's own where left out.",
      }),
    ),
    initial: Maybe(
      Type.Number({ description: 'Every element of the first state; 0 where left out.' }),
    ),
  }),
  {
    minItems: 1,
    maxItems: limits.tensorsPerRequest,
    description:
      'Outputs that the model takes as inputs at the next request of the same sequence. Clients see neither.',
  },
);

const Tensors = Type.Record(
  Type.String({ maxLength: limits.tensorNameLength }),
  Text(limits.tensorNameLength),
);
const TensorNames = (minItems: number, description: string) =>
  Type.Array(Text(limits.tensorNameLength), {
    minItems,
    maxItems: limits.tensorsPerRequest,
    description,
  });

export const Pipeline = Type.Object(
  {
    inputs: TensorNames(0, 'Tensors that the caller gives.'),
    outputs: TensorNames(1, 'Tensors that are the answer.'),
    steps: Type.Array(
      Type.Object({
        model: Type.String({
          minLength: 1,
          maxLength: limits.modelIdLength,
          description: 'A registered model of the same plugin.',
        }),
        inputs: Type.Unsafe<Record<string, string>>({
          ...Tensors,
          description: "The model's input and the tensor that it takes.",
        }),
        outputs: Type.Unsafe<Record<string, string>>({
          ...Tensors,
          description: "The model's output and the tensor that it makes.",
        }),
      }),
      { minItems: 1, maxItems: limits.pipelineSteps },
    ),
  },
  {
    description:
      'The model is other models, one after the other: execution_format is pipeline, and files may be empty.',
  },
);

export const Requirements = Type.Object({
  compute: Maybe(
    Type.Object({
      cpu: Maybe(Type.Object({ min_cores: Maybe(Count), recommended_cores: Maybe(Count) })),
      memory: Maybe(MinAndRecommended),
      gpu: Maybe(
        Type.Object({
          required: Maybe(Type.Boolean()),
          recommended: Maybe(Type.Boolean()),
          min_vram_gb: Maybe(Amount),
          cuda_version: Maybe(Type.String({ maxLength: 64 })),
        }),
      ),
    }),
  ),
  storage: Maybe(MinAndRecommended),
});

export const Performance = Type.Object({
  inference_time: Maybe(Type.Record(Type.String(), Type.String({ maxLength: 64 }))),
  throughput: Maybe(Type.Record(Type.String(), Type.Unknown())),
  accuracy: Maybe(Type.Record(Type.String(), Type.Number())),
  dataset: Maybe(Type.String({ maxLength: 200 })),
});

export const Dependencies = Type.Object({
  models: Maybe(
    Type.Array(Text(limits.modelIdLength), {
      maxItems: limits.modelDependencies,
      description: 'Ids that `axon install` takes; they are installed with the model.',
    }),
  ),
  packages: Maybe(
    Type.Array(
      Type.Object({
        name: Text(200),
        version: Maybe(
          Type.String({
            maxLength: 100,
            description: 'Such as 1.2.0, >=1.2, ^1.2, ~=1.2, >=1,<2.',
          }),
        ),
      }),
      {
        maxItems: limits.packageDependencies,
        description: "Packages that must be in the plugin's environment (npm or pip).",
      },
    ),
  ),
});

/** Where the whole archive lies. Only something outside of it can know, so axon writes none into it. */
export const Archive = Type.Object({
  url: Maybe(Type.String({ maxLength: 2_000 })),
  size: Maybe(Count),
  sha256: Maybe(Type.String({ pattern: '^([0-9a-f]{64})?$' })),
  mirrors: Maybe(Type.Array(Type.String({ maxLength: 2_000 }), { maxItems: 100 })),
});

export const Registry = Type.Object({
  url: Maybe(Type.String({ maxLength: 2_000 })),
  namespace: Maybe(Type.String({ maxLength: limits.modelIdLength })),
});
