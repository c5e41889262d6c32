import { type CommonOptions, configOf } from './options.ts';
import { print, printJson } from './report.ts';
import { table } from './table.ts';

/** Prints every setting with its value and where that came from. */
export async function config(
  options: CommonOptions & { readonly json?: boolean },
): Promise<number> {
  const effective = await configOf(options);
  if (options.json === true) {
    const values = effective
      .entries()
      .map(({ name, value, source, origin }) => [name, { value, source, origin }]);
    printJson({ file: effective.file, settings: Object.fromEntries(values) });
    return 0;
  }
  print(`file: ${effective.file ?? 'none'}\n`);
  print(
    table(
      ['SETTING', 'VALUE', 'SOURCE', 'FROM'],
      effective
        .entries()
        .map(({ name, value, source, origin }) => [
          name,
          Array.isArray(value) ? `[${value.join(', ')}]` : String(value) || '""',
          source,
          origin,
        ]),
    ),
  );
  return 0;
}
