/** Where a source states no licence but has the text of one beside the model, that is what can be said. */
export function licenseFile(files: readonly { readonly path: string }[]): string | undefined {
  const file = files.find(({ path }) => /^(LICEN[CS]E|COPYING)(\.(txt|md))?$/i.test(path));
  return file === undefined ? undefined : `SEE LICENSE IN ${file.path}`;
}
