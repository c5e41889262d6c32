import type { Static } from 'typebox';
import { methodTable } from './generated/methods.ts';
import type { methodDeclarations } from './methods/declarations.ts';
import type { MethodSpec } from './methods/method.ts';

type Declarations = (typeof methodDeclarations)[number];
export type MethodName = Declarations['name'];

type Row<N extends MethodName> = Extract<Declarations, { name: N }>;
export type Params<N extends MethodName> = Static<Row<N>['params']>;
export type Result<N extends MethodName> = Static<Row<N>['result']>;

const byName: ReadonlyMap<string, MethodSpec> = new Map(
  methodTable.map((method) => [method.name, method]),
);

/** Every operation of the daemon, generated from `methods/declarations.ts`. */
export { methodTable };

export function findMethod(name: string): MethodSpec | undefined {
  return byName.get(name);
}
