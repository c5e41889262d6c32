/*
 * What a pickle of tensors needs to name, and nothing that could run anything: the list that PyTorch itself
 * loads with `weights_only=True`, without what came to it for training states.
 */
const storage =
  'Float|Double|Half|BFloat16|Long|Int|Short|Char|Byte|Bool|ComplexFloat|ComplexDouble|QInt8|QUInt8|QInt32|QUInt4x2|QUInt2x4';
const dtype =
  'float|double|half|float16|float32|float64|bfloat16|int8|int16|int32|int64|uint8|bool|complex64|complex128|qint8|quint8|qint32|float8_e4m3fn|float8_e5m2';

const allowed = new RegExp(
  `^(${[
    'collections\\.OrderedDict',
    'torch\\._utils\\._rebuild_(tensor(_v[23])?|parameter|qtensor|sparse_tensor)',
    `torch\\.(${storage})Storage`,
    'torch\\.storage\\.(Untyped|Typed|_Typed)Storage',
    `torch\\.(${dtype})`,
    'torch\\.(Size|device|Tensor|strided|per_tensor_affine|per_channel_affine|nn\\.parameter\\.Parameter)',
    'torch\\.serialization\\._get_layout',
  ].join('|')})$`,
);

export function isTensorName(name: string): boolean {
  return allowed.test(name);
}

/** The manifest's words for elements of torch.FloatStorage and its like. */
const storages: Readonly<Record<string, string>> = {
  ...{ Float: 'float32', Double: 'float64', Half: 'float16', BFloat16: 'bfloat16' },
  ...{ Long: 'int64', Int: 'int32', Short: 'int16', Char: 'int8', Byte: 'uint8', Bool: 'bool' },
};

export function storageDtype(name: string): string | null {
  return storages[/^torch\.(\w+)Storage$/.exec(name)?.[1] ?? ''] ?? null;
}
