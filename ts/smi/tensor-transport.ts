import { isDtype } from '../protocol/dtype.ts';
import { MlosError } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { Tensor } from '../protocol/tensor.ts';
import { violation } from './contract.ts';
import type { MessageWriter } from './message-writer.ts';
import { smiLimits } from './smi-limits.ts';

/*
 * How tensors travel between the daemon and a plugin: inline, as `{name, dtype, shape, pad?, data}`,
 * where data is `bin` (little-endian, row-major) or a list of strings. Only this file knows.
 */
export type NamedTensors = ReadonlyMap<string, Tensor>;

function checkSize(tensors: NamedTensors, writer: MessageWriter): void {
  let bytes = writer.byteLength;
  let strings = 0;
  for (const [name, tensor] of tensors) {
    bytes += tensor.byteLength + 4 * name.length + 256;
    if (tensor.dtype !== 'string') continue;
    strings += tensor.data.length;
    bytes += 5 * tensor.data.length;
  }
  if (bytes > smiLimits.frameBytes || strings > smiLimits.strings) {
    throw new MlosError(
      'PAYLOAD_TOO_LARGE',
      strings > smiLimits.strings
        ? `The tensors hold ${strings} strings; one message to a plugin takes ${smiLimits.strings}.`
        : `The tensors take ${bytes} bytes; one message to a plugin takes ${smiLimits.frameBytes}.`,
    );
  }
}

/** Filler that puts the elements on a multiple of 8 within the frame, so that they can be read in place. */
function writePad(writer: MessageWriter): void {
  writer.key('pad');
  const afterDataHead = writer.byteLength + 5 + 5 + 5;
  writer.bytes(new Uint8Array((8 - (afterDataHead % 8)) % 8));
}

/** Appends a list of tensors. Throws PAYLOAD_TOO_LARGE before anything is sent. */
export function writeTensors(writer: MessageWriter, tensors: NamedTensors): void {
  checkSize(tensors, writer);
  writer.array(tensors.size);
  for (const [name, tensor] of tensors) {
    const { data } = tensor;
    const large = data instanceof Uint8Array && data.byteLength >= smiLimits.alignFromBytes;
    writer
      .map(large ? 5 : 4)
      .key('name')
      .value(name)
      .key('dtype')
      .value(tensor.dtype);
    writer.key('shape').value(tensor.shape);
    if (large) writePad(writer);
    writer.key('data');
    if (data instanceof Uint8Array) writer.bytes(data);
    else writer.value(data);
  }
}

function readTensor(item: unknown, what: string): readonly [string, Tensor] {
  if (typeof item !== 'object' || item === null) throw violation(`${what}: a tensor is no map`);
  const { name, dtype, shape, data } = item as Record<string, unknown>;
  if (typeof name !== 'string' || name.length > limits.tensorNameLength) {
    throw violation(`${what}: a tensor has no name of up to ${limits.tensorNameLength} characters`);
  }
  const label = `${what}: ${JSON.stringify(name)}`;
  if (!isDtype(dtype)) throw violation(`${label}: unknown dtype`);
  if (!Array.isArray(shape)) throw violation(`${label}: the shape is no list`);
  if (Array.isArray(data) && !data.every((element) => typeof element === 'string')) {
    throw violation(`${label}: its data are neither bytes nor strings`);
  }
  return [name, new Tensor(dtype, shape, data as Uint8Array | string[], label)];
}

/** Reads a list of tensors from a peer. Byte data are views into the frame. Throws on any disagreement. */
export function readTensors(value: unknown, what: string): Map<string, Tensor> {
  if (!Array.isArray(value) || value.length > limits.tensorsPerRequest) {
    throw violation(`${what}: no list of up to ${limits.tensorsPerRequest} tensors`);
  }
  const tensors = new Map<string, Tensor>();
  for (const item of value) {
    const [name, tensor] = readTensor(item, what);
    if (tensors.has(name)) throw violation(`${what}: two tensors named ${JSON.stringify(name)}`);
    tensors.set(name, tensor);
  }
  return tensors;
}
