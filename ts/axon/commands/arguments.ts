/**
 * What the words in `<…>` of commands and flags stand for: the one place for their texts in the help and
 * for what a shell completes there. A test compares it with the program.
 */
export type Candidates =
  | 'installed'
  | 'keys'
  | 'hubs'
  | 'sources'
  | 'formats'
  | 'variants'
  | 'files';

export interface ArgumentKind {
  readonly about: string;
  readonly candidates?: readonly Candidates[];
}

export const argumentKinds: Readonly<Record<string, ArgumentKind>> = {
  id: {
    about: 'an installed model, namespace/name@version; `axon list` shows them',
    candidates: ['installed'],
  },
  source: {
    about: 'where from: <hub>/<name>@<version>, an address, a file, a folder or an .axon package',
    candidates: ['sources', 'files'],
  },
  model: {
    about: 'an installed model, or a source to ask',
    candidates: ['installed', 'sources'],
  },
  package: {
    about: 'an installed model, an .axon package, or a folder with a manifest.yaml',
    candidates: ['installed', 'files'],
  },
  folder: {
    about: 'an installed model, or a folder with a manifest.yaml',
    candidates: ['installed', 'files'],
  },
  key: { about: 'a key of config.yaml; `axon config list` shows them', candidates: ['keys'] },
  value: { about: 'its value' },
  hub: { about: 'the name of a hub, such as hf', candidates: ['hubs'] },
  format: { about: 'a format of weights, or auto', candidates: ['formats'] },
  variant: { about: 'the name of a variant, such as q4', candidates: ['variants'] },
  words: { about: 'what to look for' },
  target: { about: 'where to: oci/<registry>/<repository>:<tag>' },
  url: { about: 'an http or https address' },
  input: { about: 'a JSON file with the inputs, or - for stdin', candidates: ['files'] },
  name: { about: 'a name of a file' },
  dir: { about: 'a folder', candidates: ['files'] },
  file: { about: 'a file', candidates: ['files'] },
  shell: { about: 'bash, zsh or fish' },
};
