import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { type Dtype, dtypeNames } from '../protocol/dtype.ts';
import { MlosError } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { encodeMsgpack } from '../protocol/msgpack.ts';
import type { Signature } from '../protocol/tensor.ts';
import { smiVersion } from '../protocol/version.ts';
import { violation } from './contract.ts';
import { smiLimits } from './smi-limits.ts';

/*
 * The daemon's checks of what a plugin says. Apart from contract.ts, so that a plugin process does not
 * spend half of its start on loading a schema library that it has no use for.
 */
const Word = Type.String({ minLength: 1, maxLength: smiLimits.wordLength });
const Words = Type.Array(Word, { maxItems: smiLimits.words });
const DtypeSchema = Type.Unsafe<Dtype>({ type: 'string', enum: [...dtypeNames] });

const HelloSchema = Type.Object({
  smi_version: Type.Array(Type.Integer({ minimum: 0 }), { minItems: 2, maxItems: 2 }),
  name: Word,
  version: Word,
  frameworks: Words,
  formats: Words,
  dtypes: Type.Array(DtypeSchema, { maxItems: smiLimits.words }),
  runner: Word,
  concurrency: Type.Optional(Type.Integer({ minimum: 1, maximum: smiLimits.concurrency })),
});

/** What a plugin says of itself when it starts. */
export type Hello = Static<typeof HelloSchema>;

const SpecSchema = Type.Object({
  name: Type.String({ maxLength: limits.tensorNameLength }),
  dtype: DtypeSchema,
  shape: Type.Union([
    Type.Array(Type.Integer({ minimum: -1, maximum: Number.MAX_SAFE_INTEGER }), {
      maxItems: limits.tensorRank,
    }),
    Type.Null(),
  ]),
  dims: Type.Optional(
    Type.Array(Type.Union([Type.String({ maxLength: smiLimits.dimNameLength }), Type.Null()]), {
      maxItems: limits.tensorRank,
    }),
  ),
});

const SpecsSchema = Type.Array(SpecSchema, { maxItems: limits.tensorsPerRequest });

const LoadResultSchema = Type.Object({
  signature: Type.Object({ inputs: SpecsSchema, outputs: SpecsSchema }),
  metadata: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});

const hello = Compile(HelloSchema);
const loadResult = Compile(LoadResultSchema);

function firstError(
  validator: typeof hello | typeof loadResult,
  value: unknown,
  what: string,
): MlosError {
  const [error] = validator.Errors(value);
  const where = error?.instancePath || 'the whole';
  return violation(`${what}: ${where} ${error?.message ?? 'does not fit the contract'}`);
}

/** Reads `[0, "hello", {…}]`. The version is looked at first: another major may look different. */
export function readHello(message: unknown): Hello {
  if (!Array.isArray(message) || message[0] !== 0 || message[1] !== 'hello') {
    throw violation('the first frame is not [0, "hello", {…}]');
  }
  const facts: unknown = message[2];
  const version = (facts as { smi_version?: unknown } | null)?.smi_version;
  const [major] = Array.isArray(version) ? version : [];
  if (Number.isSafeInteger(major) && major !== smiVersion[0]) {
    throw new MlosError(
      'UNIMPLEMENTED',
      `it speaks SMI ${String(version)}, this daemon speaks SMI ${smiVersion.join('.')}`,
    );
  }
  if (!hello.Check(facts)) throw firstError(hello, facts, 'hello');
  return facts;
}

/** True where free-form values from a plugin are small enough to keep. */
function isSmall(value: unknown): boolean {
  return encodeMsgpack(value).byteLength <= smiLimits.factsBytes;
}

/** Reads the result of load_model. */
export function readLoadResult(value: unknown): {
  signature: Signature;
  metadata: Record<string, unknown>;
} {
  if (!loadResult.Check(value)) throw firstError(loadResult, value, 'load_model');
  const { signature, metadata = {} } = value;
  for (const specs of [signature.inputs, signature.outputs]) {
    const names = new Set(specs.map(({ name }) => name));
    if (names.size !== specs.length) throw violation('load_model: two tensors have one name');
    const odd = specs.find(({ shape, dims }) => dims && dims.length !== shape?.length);
    if (odd) throw violation(`load_model: ${odd.name}: dims and shape differ in length`);
  }
  if (!isSmall(metadata)) throw violation('load_model: the metadata are too large');
  return { signature: signature as Signature, metadata };
}

/** Reads the error of an answer; bounded, and of the closed list of codes. */
export function readError(value: unknown): MlosError {
  const error = MlosError.fromWire(value);
  const { details } = error;
  return new MlosError(
    error.code,
    error.message.slice(0, limits.reasonLength),
    details !== undefined && isSmall(details) ? { details } : {},
  );
}
