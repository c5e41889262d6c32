import { crc32 } from 'node:zlib';

/*
 * A real torch file, small: a zip, stored, with the pickle of a state dict that holds one tensor. Its
 * last bytes are the zip's comment, free to be chosen.
 */
function text(value: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(value.length);
  return Buffer.concat([Buffer.from('X'), length, Buffer.from(value)]);
}

const emptyDict = 'ccollections\nOrderedDict\n)R';

/** `{'fc.bias': tensor of four float32}` in pickle protocol 2, as torch.save writes it. */
export function stateDict(): Buffer {
  const parts: readonly (Buffer | string)[] = [
    Buffer.from([0x80, 2]),
    emptyDict,
    text('fc.bias'),
    'ctorch._utils\n_rebuild_tensor_v2\n((',
    text('storage'),
    'ctorch\nFloatStorage\n',
    text('0'),
    text('cpu'),
    Buffer.from('K\u0004tQK\u0000K\u0004', 'latin1'),
    Buffer.from([0x85, 0x4b, 1, 0x85, 0x89]),
    emptyDict,
    'tRs.',
  ];
  return Buffer.concat(parts.map((part) => Buffer.from(part)));
}

function numbers(layout: readonly (readonly [bytes: 2 | 4, value: number])[]): Buffer {
  return Buffer.concat(
    layout.map(([bytes, value]) => {
      const field = Buffer.alloc(bytes);
      field.writeUIntLE(value, 0, bytes);
      return field;
    }),
  );
}

export function storedZip(
  files: Readonly<Record<string, Buffer>>,
  comment: Buffer = Buffer.alloc(0),
): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, data] of Object.entries(files)) {
    const common: [2 | 4, number][] = [
      [2, 20],
      [2, 0],
      [2, 0],
      [2, 0],
      [2, 0x21],
      [4, crc32(data)],
      [4, data.length],
      [4, data.length],
      [2, name.length],
      [2, 0],
    ];
    const local = Buffer.concat([numbers([[4, 0x04034b50], ...common]), Buffer.from(name), data]);
    central.push(
      numbers([[4, 0x02014b50], [2, 20], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]]),
      Buffer.from(name),
    );
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const count = Object.keys(files).length;
  const end = numbers([
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, count],
    [2, count],
    [4, directory.length],
    [4, offset],
    [2, comment.length],
  ]);
  return Buffer.concat([...locals, directory, end, comment]);
}

export function torchFile(name: string, comment = '00000000'): Buffer {
  const files = {
    [`${name}/data.pkl`]: stateDict(),
    [`${name}/version`]: Buffer.from('3\n'),
    [`${name}/data/0`]: Buffer.alloc(16, 1),
  };
  return storedZip(files, Buffer.from(comment));
}

/** One whose sha256 begins with 11ad3fa6, as that of torchvision's resnet50 does: the comment was searched for. */
export function resnet50File(): Buffer {
  return torchFile('resnet50', 'HNlZB000');
}
