import type { Static } from 'typebox';
import type { MethodSpec } from './methods/method.ts';
import { modelMethods } from './methods/models.ts';
import { pluginMethods } from './methods/plugins.ts';
import { serviceMethods } from './methods/service.ts';

/**
 * Every operation of the daemon, declared once. The doors, the validators, `docs/openapi.json` and
 * `docs/methods.md` are derived from this table; a check proves that the generated files are current.
 */
export const methodTable = [...serviceMethods, ...pluginMethods, ...modelMethods] as const;

export type MethodName = (typeof methodTable)[number]['name'];

type Row<N extends MethodName> = Extract<(typeof methodTable)[number], { name: N }>;
export type Params<N extends MethodName> = Static<Row<N>['params']>;
export type Result<N extends MethodName> = Static<Row<N>['result']>;

const byName: ReadonlyMap<string, MethodSpec> = new Map(
  methodTable.map((method) => [method.name, method as MethodSpec]),
);

export function findMethod(name: string): MethodSpec | undefined {
  return byName.get(name);
}
