/** Licences under the names that hubs have for them, as SPDX writes them. All others stay as they are stated. */
const spdx: ReadonlyMap<string, string> = new Map([
  ['apache-2.0', 'Apache-2.0'],
  ['apache 2.0', 'Apache-2.0'],
  ['apache license 2.0', 'Apache-2.0'],
  ['mit', 'MIT'],
  ['mit license', 'MIT'],
  ['bsd-2-clause', 'BSD-2-Clause'],
  ['bsd-3-clause', 'BSD-3-Clause'],
  ['mpl-2.0', 'MPL-2.0'],
  ['gpl-3.0', 'GPL-3.0'],
  ['gpl 3', 'GPL-3.0'],
  ['lgpl-3.0', 'LGPL-3.0'],
  ['agpl-3.0', 'AGPL-3.0'],
  ['unlicense', 'Unlicense'],
  ['cc0-1.0', 'CC0-1.0'],
  ['cc0: public domain', 'CC0-1.0'],
  ['attribution 4.0 international (cc by 4.0)', 'CC-BY-4.0'],
  ['cc by-sa 4.0', 'CC-BY-SA-4.0'],
  ['cc by-nc-sa 4.0', 'CC-BY-NC-SA-4.0'],
]);

export function spdxName(stated: string): string {
  return spdx.get(stated.toLowerCase()) ?? stated;
}
