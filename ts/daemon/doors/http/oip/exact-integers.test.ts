import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exactInputs, quoteLongIntegers } from './exact-integers.ts';

const least = '-9223372036854775808';
const most = '18446744073709551615';

test('long integers become texts, and nothing else changes', () => {
  const text = `{"a\\"1":[${least},${most},123456789012345,-0.12345678901234567890,1e300,true],"12345678901234567890":"\\\\"}`;
  assert.deepEqual(JSON.parse(quoteLongIntegers(text)), {
    'a"1': [least, most, 123456789012345, -0.12345678901234568, 1e300, true],
    '12345678901234567890': '\\',
  });
});

function inputsOf(text: string): readonly unknown[] {
  return exactInputs(JSON.parse(text).inputs, Buffer.from(text));
}

test('only inputs of 64-bit integers that JSON.parse rounds are read again', () => {
  const big = '9007199254740993';
  const wide = `{"name":"${big}","datatype":"INT64","shape":[1,2],"data":[[${big},3]]}`;
  const floats = `{"name":"f","datatype":"FP64","shape":[1],"data":[${big}]}`;
  assert.deepEqual(inputsOf(`{"id":"x","inputs":[${floats},${wide}]}`), [
    { name: 'f', datatype: 'FP64', shape: [1], data: [Number(big)] },
    { name: big, datatype: 'INT64', shape: [1, 2], data: [[big, 3]] },
  ]);
  const small = [{ name: 'x', datatype: 'UINT64', shape: [1], data: [7] }];
  assert.equal(exactInputs(small, Buffer.alloc(0)), small);
});
