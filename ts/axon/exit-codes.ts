/**
 * The closed list of ways in which axon ends: code name → exit status → meaning. docs/axon.md lists
 * the same, and a test compares the two.
 */
export interface ExitCodeInfo {
  readonly exit: number;
  readonly meaning: string;
}

export const exitCodes = {
  INTERNAL: { exit: 1, meaning: 'A fault of axon itself; please report it.' },
  USAGE: { exit: 2, meaning: 'An unknown command, flag or argument, or one too few.' },
  INVALID_SPEC: { exit: 2, meaning: 'What to install is not written in a form that axon knows.' },
  INVALID_CONFIG: { exit: 3, meaning: 'config.yaml is malformed or has an unknown key.' },
  NOT_FOUND: { exit: 5, meaning: 'The model, revision, package or file does not exist.' },
  ACCESS_DENIED: { exit: 6, meaning: 'The hub wants a token, or terms accepted, or refused both.' },
  NETWORK: { exit: 7, meaning: 'The hub cannot be reached or kept failing after all retries.' },
  RATE_LIMITED: { exit: 8, meaning: 'The hub asks to wait longer than axon waits by itself.' },
  BAD_RESPONSE: {
    exit: 9,
    meaning:
      'The hub answered something that is not the model: a web page, a loop, another commit.',
  },
  CHECKSUM_MISMATCH: {
    exit: 10,
    meaning: 'Bytes arrived that are not those whose hash is stated, or that were there before.',
  },
  UNSAFE_PACKAGE: {
    exit: 11,
    meaning: 'A name, link or size in the source could do harm; nothing was installed.',
  },
  INVALID_PACKAGE: {
    exit: 12,
    meaning: 'An archive, manifest or model file is malformed or incomplete.',
  },
  AMBIGUOUS: {
    exit: 13,
    meaning: 'Several candidates fit; the message lists them and the flag that chooses.',
  },
  NO_MODEL: { exit: 14, meaning: 'No model file is among the files chosen.' },
  NO_SPACE: { exit: 15, meaning: 'The disk has too little room; nothing of it was kept.' },
  ALREADY_EXISTS: {
    exit: 16,
    meaning: 'The id is taken by something different, or by another choice of files.',
  },
  NOT_INSTALLED: {
    exit: 17,
    meaning: 'No such model is installed; the message names the nearest.',
  },
  VERIFY_FAILED: { exit: 18, meaning: 'Installed files are missing, damaged or too many.' },
  IO_ERROR: { exit: 19, meaning: 'A file cannot be read or written; the message names it.' },
  BUSY: { exit: 20, meaning: 'Another axon works on the same model and did not finish in time.' },
  DAEMON_UNREACHABLE: { exit: 21, meaning: 'No MLOS daemon answers at the endpoint.' },
  DAEMON_REFUSED: { exit: 22, meaning: 'The daemon answered with an error; its code is shown.' },
  PARTIAL: {
    exit: 23,
    meaning: 'Some of several models failed, the others are done; each is named.',
  },
  PICKLE_REFUSED: {
    exit: 24,
    meaning: 'A pickle file could run code when it is loaded; --allow-pickle takes it.',
  },
  NO_CONVERTER: {
    exit: 25,
    meaning: 'Nothing here converts this model; the message names what would.',
  },
  CONVERSION_FAILED: {
    exit: 26,
    meaning: 'The model was not converted, or differs from its source; nothing was kept.',
  },
  SIGNATURE_INVALID: {
    exit: 27,
    meaning: 'A package is not signed with a trusted key, or was changed since it was.',
  },
  NO_SOURCE: {
    exit: 28,
    meaning:
      'It is not known where the model came from, so it cannot be compared or fetched again.',
  },
  CODE_REFUSED: {
    exit: 29,
    meaning: 'Programs came that cannot be left out; --allow-code takes them.',
  },
  INTERRUPTED: { exit: 130, meaning: 'Stopped by Ctrl-C or SIGTERM; the next install goes on.' },
} as const satisfies Record<string, ExitCodeInfo>;

export type ExitCode = keyof typeof exitCodes;
