import * as fs from 'node:fs';
import * as path from 'node:path';
import { root } from '../steps.mjs';
import { libraryOutput } from './ways.mjs';

/**
 * What a program needs beside libmlos.so itself, in the checkout as after an installation: the name
 * under which it is loaded, and the file that pkg-config reads.
 */
const folder = path.dirname(libraryOutput);
const header = path.join(root, 'native/src/capi/mlos.h');
const packageFile = path.join(folder, 'pkgconfig/mlos.pc');

function readVersion() {
  const text = fs.readFileSync(header, 'utf8');
  const part = (name) => text.match(new RegExp(`^#define MLOS_VERSION_${name} (\\d+)$`, 'm'))?.[1];
  return ['MAJOR', 'MINOR', 'PATCH'].map(part);
}

const loadName = () => `${libraryOutput}.${readVersion()[0]}`;

function packageText() {
  const values = {
    prefix: root,
    libdir: folder,
    includedir: path.dirname(header),
    version: readVersion().join('.'),
  };
  const template = fs.readFileSync(path.join(root, 'native/src/capi/mlos.pc.in'), 'utf8');
  return template.replaceAll(/@(\w+)@/g, (_, name) => values[name]);
}

export function isLibraryFinished() {
  return [libraryOutput, loadName(), packageFile].every((file) => fs.existsSync(file));
}

export function finishLibrary() {
  fs.rmSync(loadName(), { force: true });
  fs.symlinkSync(path.basename(libraryOutput), loadName());
  fs.mkdirSync(path.dirname(packageFile), { recursive: true });
  fs.writeFileSync(packageFile, packageText());
}
