import type { Cursor } from '../bytes/cursor.ts';
import { FormatError } from '../bytes/read-file.ts';
import { line } from './line.ts';
import type { PickleMachine } from './pickle-machine.ts';
import { maxText, numberOf, other, type PickleValue, textOf, tupleOf } from './pickle-values.ts';
import { ReaderLimit } from './reader-limit.ts';

/** What happens beside the stack: names that are imported, and persistent ids. */
export interface PickleEvents {
  name(name: string): PickleValue;
  persistent(id: PickleValue): void;
  /** Something is called, or its state is set. */
  call(): void;
}

type Step = (cursor: Cursor, machine: PickleMachine, events: PickleEvents) => void;

/** Python reads `1_0` as 10 and strips blanks: what is not plain digits could mean another place there. */
function memoKey(cursor: Cursor): number {
  const text = line(cursor);
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const why = `a place called ${JSON.stringify(text.slice(0, 100))}`;
  throw whole.test(text) ? new ReaderLimit(why) : new FormatError(why);
}

/** What Python could read as a number; what certainly is none ends its loader, too. */
const whole = /^\s*[+-]?(0[xob])?[\da-f][\da-f_]*L?\s*(\0|$)/i;
const real = /^\s*[+-]?(inf(inity)?|nan|(?=\.?\d)[\d_]*\.?[\d_]*(e[+-]?[\d_]+)?)\s*(\0|$)/i;

function text(cursor: Cursor, length: number): PickleValue {
  if (length <= maxText) return textOf(cursor.take(length).toString('utf8'));
  cursor.skip(length);
  return other;
}

function bytes(cursor: Cursor, length: number): PickleValue {
  if (length <= 64) return { kind: 'bytes', hex: cursor.take(length).toString('hex') };
  cursor.skip(length);
  return other;
}

const lengths = {
  u8: (cursor: Cursor) => cursor.u8(),
  u32: (cursor: Cursor) => cursor.u32(),
  u64: (cursor: Cursor) => cursor.u64(),
};
type Width = keyof typeof lengths;

const pushText =
  (width: Width): Step =>
  (cursor, machine) =>
    machine.push(text(cursor, lengths[width](cursor)));
const pushBytes =
  (width: Width): Step =>
  (cursor, machine) =>
    machine.push(bytes(cursor, lengths[width](cursor)));
const push =
  (value: PickleValue): Step =>
  (_cursor, machine) =>
    machine.push(value);
/** Takes so many values away and puts an unknown one there. */
const reduce =
  (count: number): Step =>
  (_cursor, machine, events) => {
    machine.drop(count);
    machine.push(other);
    events.call();
  };
/** Puts so many values into the one below them. */
const put =
  (count: number): Step =>
  (_cursor, machine) => {
    machine.drop(count);
    machine.top();
  };
const tuple =
  (count: number): Step =>
  (_cursor, machine) =>
    machine.tuple(count);
const fromMark: Step = (_cursor, machine) => {
  machine.toMark();
  machine.push(other);
};
const dropMark: Step = (_cursor, machine) => {
  machine.toMark();
};
const pushNumber =
  (form: RegExp): Step =>
  (cursor, machine) => {
    const text = line(cursor);
    if (!form.test(text)) throw new FormatError(`a number ${JSON.stringify(text.slice(0, 100))}`);
    const number = Number(text.replace(/L$/, ''));
    machine.push(Number.isSafeInteger(number) ? numberOf(number) : other);
  };
const skipped =
  (length: number): Step =>
  (cursor, machine) => {
    cursor.skip(length);
    machine.push(other);
  };
/** Numbers that stand for names agreed on elsewhere: nobody here can know which. */
const extension =
  (length: number): Step =>
  (cursor, machine, events) => {
    const code = cursor.take(length).readUIntLE(0, length);
    machine.push(events.name(`(extension ${code})`));
  };

/** Quoted, with escapes. Where there are any it is no name that is allowed. */
const pushQuoted: Step = (cursor, machine) => {
  const text = line(cursor).trimEnd();
  const quoted = /^(['"])(.*)\1$/s.exec(text)?.[2];
  // Of a line that was cut only the beginning is here.
  if (quoted === undefined && text.length <= maxText)
    throw new FormatError('a text without its quotes');
  machine.push(quoted === undefined ? other : textOf(quoted));
};

function stackGlobal(machine: PickleMachine, events: PickleEvents): void {
  const name = machine.pop();
  const module = machine.pop();
  const isKnown = name.kind === 'text' && module.kind === 'text';
  machine.push(events.name(isKnown ? `${module.text}.${name.text}` : '(a name that is computed)'));
}

/** Every opcode of protocols 0 to 5 but STOP. */
export const opcodes: ReadonlyMap<number, Step> = new Map<number, Step>([
  [0x28, (_cursor, machine) => machine.mark()], // ( MARK
  [0x30, (_cursor, machine) => machine.popOrMark()], // 0 POP
  [0x31, dropMark], // 1 POP_MARK
  [0x32, (_cursor, machine) => machine.push(machine.top())], // 2 DUP
  [0x46, pushNumber(real)], // F FLOAT
  [0x49, pushNumber(whole)], // I INT
  [0x4a, (cursor, machine) => machine.push(numberOf(cursor.take(4).readInt32LE()))], // J BININT
  [0x4b, (cursor, machine) => machine.push(numberOf(cursor.u8()))], // K BININT1
  [0x4c, pushNumber(whole)], // L LONG
  [0x4d, (cursor, machine) => machine.push(numberOf(cursor.u16()))], // M BININT2
  [0x4e, push(other)], // N NONE
  [
    0x50, // P PERSID
    (cursor, machine, events) => {
      events.persistent(textOf(line(cursor)));
      machine.push(other);
    },
  ],
  [
    0x51, // Q BINPERSID
    (_cursor, machine, events) => {
      events.persistent(machine.pop());
      machine.push(other);
    },
  ],
  [0x52, reduce(2)], // R REDUCE
  [0x53, pushQuoted], // S STRING
  [0x54, pushText('u32')], // T BINSTRING
  [0x55, pushText('u8')], // U SHORT_BINSTRING
  [0x56, (cursor, machine) => machine.push(textOf(line(cursor)))], // V UNICODE
  [0x58, pushText('u32')], // X BINUNICODE
  [0x61, put(1)], // a APPEND
  [
    0x62, // b BUILD
    (cursor, machine, events) => {
      put(1)(cursor, machine, events);
      events.call();
    },
  ],
  // c GLOBAL
  [0x63, (cursor, machine, events) => machine.push(events.name(`${line(cursor)}.${line(cursor)}`))],
  [0x64, fromMark], // d DICT
  [0x65, dropMark], // e APPENDS
  [0x67, (cursor, machine) => machine.recall(memoKey(cursor))], // g GET
  [0x68, (cursor, machine) => machine.recall(cursor.u8())], // h BINGET
  [
    0x69, // i INST
    (cursor, machine, events) => {
      events.name(`${line(cursor)}.${line(cursor)}`);
      machine.toMark();
      machine.push(other);
      events.call();
    },
  ],
  [0x6a, (cursor, machine) => machine.recall(cursor.u32())], // j LONG_BINGET
  [0x6c, fromMark], // l LIST
  [
    0x6f, // o OBJ
    (cursor, machine, events) => {
      fromMark(cursor, machine, events);
      events.call();
    },
  ],
  [0x70, (cursor, machine) => machine.memoize(memoKey(cursor))], // p PUT
  [0x71, (cursor, machine) => machine.memoize(cursor.u8())], // q BINPUT
  [0x72, (cursor, machine) => machine.memoize(cursor.u32())], // r LONG_BINPUT
  [0x73, put(2)], // s SETITEM
  [0x74, (_cursor, machine) => machine.push(tupleOf(machine.toMark()))], // t TUPLE
  [0x75, dropMark], // u SETITEMS
  [0x5d, push(other)], // ] EMPTY_LIST
  [0x7d, push(other)], // } EMPTY_DICT
  [0x29, push(tupleOf([]))], // ) EMPTY_TUPLE
  [0x42, pushBytes('u32')], // B BINBYTES
  [0x43, pushBytes('u8')], // C SHORT_BINBYTES
  [0x47, skipped(8)], // G BINFLOAT
  [0x80, (cursor) => cursor.skip(1)], // PROTO
  [0x81, reduce(2)], // NEWOBJ
  [0x82, extension(1)], // EXT1
  [0x83, extension(2)], // EXT2
  [0x84, extension(4)], // EXT4
  [0x85, tuple(1)], // TUPLE1
  [0x86, tuple(2)], // TUPLE2
  [0x87, tuple(3)], // TUPLE3
  [0x88, push(other)], // NEWTRUE
  [0x89, push(other)], // NEWFALSE
  [0x8a, (cursor, machine) => machine.push(longOf(cursor, cursor.u8()))], // LONG1
  [0x8b, (cursor, machine) => machine.push(longOf(cursor, cursor.u32()))], // LONG4
  [0x8c, pushText('u8')], // SHORT_BINUNICODE
  [0x8d, pushText('u64')], // BINUNICODE8
  [0x8e, pushBytes('u64')], // BINBYTES8
  [0x8f, push(other)], // EMPTY_SET
  [0x90, dropMark], // ADDITEMS
  [0x91, fromMark], // FROZENSET
  [0x92, reduce(3)], // NEWOBJ_EX
  [0x93, (_cursor, machine, events) => stackGlobal(machine, events)], // STACK_GLOBAL
  [0x94, (_cursor, machine) => machine.memoize(null)], // MEMOIZE
  [0x95, (cursor) => cursor.skip(8)], // FRAME
  [0x96, pushBytes('u64')], // BYTEARRAY8
  [0x97, push(other)], // NEXT_BUFFER
  [
    0x98, // READONLY_BUFFER
    (_cursor, machine) => {
      machine.drop(1);
      machine.push(other);
    },
  ],
]);

function longOf(cursor: Cursor, length: number): PickleValue {
  if (length > 6) return bytes(cursor, length);
  return numberOf(length === 0 ? 0 : cursor.take(length).readIntLE(0, length));
}
