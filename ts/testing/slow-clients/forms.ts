/** What clients send that begin a request and do not end it: half of it, or a byte at a time. */
export interface SlowForm {
  readonly name: string;
  readonly first: Buffer;
  /** What comes after it, one part at a time; then nothing. */
  readonly drips: readonly Buffer[];
}

export type SlowDoor = 'http' | 'grpc' | 'socket';

const dripCount = 600;

function each(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (byte) => Buffer.from([byte]));
}

function httpForms(): SlowForm[] {
  const head = 'POST /models/a/b/inference HTTP/1.1\r\nHost: localhost\r\n';
  const whole = `${head}Content-Length: 100000\r\n\r\n`;
  const drips = each(Buffer.alloc(dripCount, 'a'));
  return [
    { name: 'half a head', first: Buffer.from(head), drips: [] },
    { name: 'half a body', first: Buffer.from(`${whole}{"inputs"`), drips: [] },
    { name: 'a head by the byte', first: Buffer.from(`${head}X: `), drips },
    { name: 'a body by the byte', first: Buffer.from(`${whole}"`), drips },
  ];
}

const frameType = { data: 0, headers: 1, settings: 4 } as const;

function http2Frame(type: keyof typeof frameType, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.byteLength, 0, 3);
  head.writeUInt8(frameType[type], 3);
  head.writeUInt8(type === 'headers' ? 4 : 0, 4); // END_HEADERS
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** HPACK, each field as a literal that is not indexed. */
function fields(pairs: Readonly<Record<string, string>>): Buffer {
  const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  return Buffer.concat(
    Object.entries(pairs).flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]),
  );
}

function grpcCall(path: string): Buffer {
  const head = {
    ...{ ':method': 'POST', ':scheme': 'http', ':path': path, ':authority': 'localhost' },
    ...{ 'content-type': 'application/grpc', te: 'trailers' },
  };
  return http2Frame('headers', 1, fields(head));
}

function grpcForms(): SlowForm[] {
  const settings = http2Frame('settings', 0, Buffer.alloc(0));
  const opening = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), settings]);
  const half = http2Frame('data', 1, Buffer.from([0, 0, 0, 200, 0, 10, 3]));
  const drips = Array.from({ length: dripCount }, () => http2Frame('data', 1, Buffer.from([10])));
  const calls = {
    call: grpcCall('/mlos.v1.InferenceService/Infer'),
    stream: grpcCall('/mlos.v1.InferenceService/InferStream'),
  };
  const messages = Object.entries(calls).flatMap(([name, call]) => [
    { name: `half a message of a ${name}`, first: Buffer.concat([opening, call, half]), drips: [] },
    {
      name: `a message of a ${name} by the byte`,
      first: Buffer.concat([opening, call, half]),
      drips,
    },
  ]);
  return [
    { name: 'half a preface', first: opening.subarray(0, 10), drips: [] },
    { name: 'no call', first: opening, drips: [] },
    { name: 'half a head', first: Buffer.concat([opening, calls.call.subarray(0, 30)]), drips: [] },
    { name: 'a head by the byte', first: opening, drips: each(calls.call) },
    ...messages,
  ];
}

function socketForms(): SlowForm[] {
  const head = Buffer.from([0, 0, 200, 0]);
  return [
    { name: 'half a header', first: head.subarray(0, 2), drips: [] },
    { name: 'half a frame', first: Buffer.concat([head, Buffer.from([0x93, 1])]), drips: [] },
    { name: 'a frame by the byte', first: head, drips: each(Buffer.alloc(dripCount, 1)) },
  ];
}

export const slowForms: Readonly<Record<SlowDoor, readonly SlowForm[]>> = {
  http: httpForms(),
  grpc: grpcForms(),
  socket: socketForms(),
};
