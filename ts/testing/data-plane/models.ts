import { type OnnxInitializer, onnxModel } from '../onnx-builder.ts';

/*
 * Models whose answers are whole numbers below 2^24, so that they are right to the bit or wrong.
 */
function scalar(name: string, value: number): OnnxInitializer {
  const data = new Uint8Array(new Float32Array([value]).buffer);
  return { name, dtype: 'float32', shape: [], data };
}

/** `y = 2x + 1`. */
export function scaleModel(shape: readonly (number | string)[] = ['n']): Buffer {
  return onnxModel({
    nodes: [
      { op: 'Mul', inputs: ['x', 'two'], outputs: ['twice'] },
      { op: 'Add', inputs: ['twice', 'one'], outputs: ['y'] },
    ],
    inputs: [{ name: 'x', dtype: 'float32', shape }],
    outputs: [{ name: 'y', dtype: 'float32', shape }],
    initializers: [scalar('two', 2), scalar('one', 1)],
  });
}

export const tableRows = 16;

/** `y[i] = 100 + x[i]`, looked up in a table: `x` are indices below `tableRows`. */
export function gatherModel(): Buffer {
  const table = Float32Array.from({ length: tableRows }, (_, i) => 100 + i);
  return onnxModel({
    nodes: [{ op: 'Gather', inputs: ['table', 'x'], outputs: ['y'], attributes: { axis: 0 } }],
    inputs: [{ name: 'x', dtype: 'int64', shape: ['n'] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: ['n'] }],
    initializers: [
      {
        name: 'table',
        dtype: 'float32',
        shape: [tableRows],
        data: new Uint8Array(table.buffer),
      },
    ],
  });
}
