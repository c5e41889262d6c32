import fs from 'node:fs';

/*
 * Programs: what an interpreter, a loader of libraries or the system itself runs. A model that wants them to be run
 * says so; axon brings them only when told to. They are known by name, and, once they are here, by how they begin.
 * `.ts` is no ending of theirs: TorchScript is called so more often than TypeScript beside a model.
 */
const endings = [
  'py|pyc|pyo|pyw|pyd|pyx|pyz|pyzw|whl|egg|ipynb',
  'so|dll|dylib|sys|node|wasm|exe|msi|scr|elf|run|appimage|llamafile|deb|rpm|apk|dmg',
  'sh|bash|zsh|ksh|csh|fish|command|bat|cmd|ps1|psm1|vbs|vbe|wsf|hta',
  'js|mjs|cjs|jsx|tsx|rb|pl|pm|php|lua|tcl|r|jl|groovy|jar|war|class',
];
const named = new RegExp(`\\.(${endings.join('|')})$|\\.so(\\.\\d+)+$`, 'i');

export function isCode(name: string): boolean {
  return named.test(name);
}

const magic = [
  '\x7fELF',
  // Mach-O; the last two are of several architectures in one, and the first of those is Java's, too.
  ...['\xfe\xed\xfa\xce', '\xfe\xed\xfa\xcf', '\xce\xfa\xed\xfe', '\xcf\xfa\xed\xfe'],
  ...['\xca\xfe\xba\xbe', '\xbe\xba\xfe\xca'],
  '\0asm',
  // Executables for any system, which are scripts as well.
  ...["MZqFpD='", "jartsr='"],
];

/** Whether a file is a program by its first bytes. */
export function beginsAsProgram(file: string): boolean {
  const fd = fs.openSync(file, 'r');
  const read = (at: number, length: number): string => {
    const bytes = Buffer.alloc(length);
    return bytes.toString('latin1', 0, fs.readSync(fd, bytes, 0, length, at));
  };
  try {
    const head = read(0, 64);
    const isScript = /^#![ \t]*(\/|python)/.test(head);
    return isScript || magic.some((begin) => head.startsWith(begin)) || isWindows(head, read);
  } finally {
    fs.closeSync(fd);
  }
}

/** Two letters are few: the header that they lead to has to be there. */
function isWindows(head: string, read: (at: number, length: number) => string): boolean {
  if (!head.startsWith('MZ') || head.length < 64) return false;
  return read(Buffer.from(head, 'latin1').readUInt32LE(60), 4) === 'PE\0\0';
}
