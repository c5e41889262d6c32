import { type Static, Type } from 'typebox';
import { type Dtype, dtypeNames } from './dtype.ts';
import { limits } from './limits.ts';
import {
  Archive,
  Author,
  Dependencies,
  ModelStates,
  Performance,
  Pipeline,
  Preprocessing,
  Registry,
  Requirements,
  Timestamp,
} from './manifest-sections.ts';
import { multiEncoders } from './multi-encoder.ts';

/*
 * manifest.yaml: what a model package holds and how it is run. Written by axon, read by the daemon,
 * through manifest.ts only. Unknown fields are ignored, so that a newer axon can add some; a field that
 * is not known for sure is absent, never invented.
 */
const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
const Maybe = Type.Optional;
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Path = Type.String({ minLength: 1, maxLength: 1024 });

/** What the bytes were compared with when they arrived; the sha256 is recorded in every case. */
export const verifiedBy = [
  'sha256',
  'sha384',
  'sha512',
  'sha256-prefix',
  'sha1',
  'git-sha1',
  'npm-integrity',
  'archive-sha256',
  'md5',
  'crc32c',
  'tofu',
  'local',
] as const;
export type VerifiedBy = (typeof verifiedBy)[number];

const TensorInfo = Type.Object({
  name: Text(limits.tensorNameLength),
  dtype: Type.Unsafe<Dtype>({ type: 'string', enum: [...dtypeNames] }),
  shape: Type.Array(Type.Integer({ minimum: -1 }), {
    maxItems: limits.tensorRank,
    description: '-1 is a dimension that the caller chooses.',
  }),
  dims: Maybe(
    Type.Array(Type.Union([Count, Text(256), Type.Null()]), {
      maxItems: limits.tensorRank,
      description: 'The shape with the names of symbolic dimensions; null where there is no name.',
    }),
  ),
  description: Maybe(Type.String({ maxLength: 2_000 })),
  preprocessing: Maybe(Preprocessing),
  labels: Maybe(
    Type.String({
      minLength: 1,
      maxLength: 1_024,
      description: 'Of an output of classes: a text file of the package, one name a line.',
    }),
  ),
});

const PackageFile = Type.Object({
  path: Path,
  size: Count,
  sha256: Sha256,
  verified_by: Type.Unsafe<VerifiedBy>({ type: 'string', enum: [...verifiedBy] }),
});

export const pickleContents = ['tensors-only', 'torchscript', 'may-run-code'] as const;
export type PickleContent = (typeof pickleContents)[number];

const ModelFacts = Type.Object(
  {
    architecture: Maybe(Text(200)),
    name: Maybe(Text(200)),
    parameters: Maybe(Count),
    dtypes: Maybe(Type.Record(Type.String(), Count)),
    tensors: Maybe(Count),
    quantization: Maybe(Text(64)),
    context_length: Maybe(Count),
    chat_template: Maybe(Type.Boolean()),
    signatures: Maybe(Type.Array(Type.String({ maxLength: 200 }), { maxItems: 64 })),
  },
  { description: 'What the files say of the model themselves.' },
);

const ConversionInfo = Type.Object(
  {
    from: Text(limits.modelIdLength),
    route: Text(64),
    trials: Count,
    max_abs: Type.Number({ minimum: 0 }),
    max_rel: Type.Number({ minimum: 0 }),
    versions: Type.Record(Type.String(), Type.String({ maxLength: 64 })),
  },
  {
    description:
      'Which model this one was made of, with what, and how far both are apart for random inputs: the largest difference, and as a share of the largest number of its output.',
  },
);

const ExecutionFile = Type.Object({
  path: Path,
  format: Text(64),
  type: Type.String({ maxLength: 64, description: 'single, encoder, decoder, …' }),
});

export const ManifestSchema = Type.Object(
  {
    apiVersion: Type.Union([Type.Literal('axon.mlos.io/v1'), Type.Literal('v1')]),
    kind: Type.Literal('Model'),
    metadata: Type.Object({
      name: Text(limits.modelIdLength),
      namespace: Text(limits.modelIdLength),
      version: Text(limits.modelIdLength),
      description: Maybe(Type.String({ maxLength: 2_000 })),
      authors: Maybe(Type.Array(Author, { maxItems: 100 })),
      license: Maybe(
        Type.String({ maxLength: 200, description: 'As the source states it, else `unknown`.' }),
      ),
      task: Maybe(
        Type.String({
          maxLength: 200,
          description: 'What the model is for, as the source states it.',
        }),
      ),
      library: Maybe(
        Type.String({
          maxLength: 200,
          description: 'What it is made with, as the source states it.',
        }),
      ),
      homepage: Maybe(Type.String({ maxLength: 2_000 })),
      documentation: Maybe(Type.String({ maxLength: 2_000 })),
      created: Maybe(Timestamp),
      updated: Maybe(Timestamp),
      tags: Maybe(Type.Array(Type.String({ maxLength: 200 }), { maxItems: 200 })),
    }),
    spec: Type.Object({
      framework: Type.Object({ name: Text(64), version: Maybe(Type.String({ maxLength: 64 })) }),
      format: Type.Object({
        type: Text(64),
        execution_format: Text(64),
        multi_encoder: Maybe(
          Type.String({
            maxLength: 64,
            description: `${multiEncoders.slice(0, -1).join(', ')} or ${multiEncoders.at(-1)}, where several files run.`,
          }),
        ),
        ir_version: Maybe(Count),
        producer: Maybe(Type.String({ maxLength: 200 })),
        opsets: Maybe(Type.Record(Type.String(), Count)),
        pickle: Maybe(
          Type.Unsafe<PickleContent>({
            type: 'string',
            enum: [...pickleContents],
            description: 'What pickle files name: only what tensors need, or more.',
          }),
        ),
        pickle_names: Maybe(Type.Array(Type.String({ maxLength: 200 }), { maxItems: 50 })),
        remote_code: Maybe(
          Type.Unsafe<'included' | 'left-out'>({
            type: 'string',
            enum: ['included', 'left-out'],
            description: 'The model wants programs of its own to be run.',
          }),
        ),
        files: Type.Array(PackageFile, { maxItems: limits.packageFiles }),
        execution_files: Maybe(Type.Array(ExecutionFile, { maxItems: 256 })),
      }),
      model: Maybe(ModelFacts),
      io: Maybe(
        Type.Object({
          inputs: Type.Array(TensorInfo, { maxItems: limits.tensorsPerRequest }),
          outputs: Type.Array(TensorInfo, { maxItems: limits.tensorsPerRequest }),
        }),
      ),
      state: Maybe(ModelStates),
      pipeline: Maybe(Pipeline),
      requirements: Maybe(Requirements),
      performance: Maybe(Performance),
      dependencies: Maybe(Dependencies),
    }),
    distribution: Maybe(
      Type.Object({
        source: Maybe(
          Type.Object({
            hub: Text(64),
            id: Text(2_000),
            revision: Maybe(Type.String({ maxLength: 200, description: 'Immutable where known.' })),
            url: Maybe(Type.String({ maxLength: 2_000 })),
          }),
        ),
        package: Maybe(Archive),
        registry: Maybe(Registry),
        conversion: Maybe(ConversionInfo),
        selection: Maybe(
          Type.Object(
            {
              rule: Type.String({ maxLength: 1_000, description: 'What decided, in words.' }),
              format: Text(64),
              variant: Text(200),
              excluded: Count,
              bytes: Count,
            },
            { description: 'Why these files of the source, and how much of it was left out.' },
          ),
        ),
      }),
    ),
  },
  { title: 'MLOS model manifest (manifest.yaml)', description: 'Written by axon, read by MLOS.' },
);

export type Manifest = Static<typeof ManifestSchema>;
export type ManifestPipeline = Static<typeof Pipeline>;
export type ManifestState = Static<typeof ModelStates>[number];
export type Conversion = Static<typeof ConversionInfo>;
export type ManifestFile = Static<typeof PackageFile>;
export type ManifestTensor = Static<typeof TensorInfo>;
export type ManifestExecutionFile = Static<typeof ExecutionFile>;

/** The JSON Schema document for docs/manifest.schema.json. */
export function manifestJsonSchema(): string {
  const dialect = { $schema: 'https://json-schema.org/draft/2020-12/schema' };
  return `${JSON.stringify({ ...dialect, ...ManifestSchema }, null, 2)}\n`;
}
