import type { ErrorCode } from '../../protocol/error-codes.ts';

/**
 * One policy, several doors: the same call through every one of them must give the same answer. A
 * case knows no door, and none can be left out for one.
 */
export interface ConformanceCase {
  readonly name: string;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly expect:
    | { readonly code: ErrorCode }
    | { readonly result: (result: Record<string, unknown>) => void };
}

/** What a call came to. A result is as JSON would carry it. */
export type Outcome =
  | { readonly kind: 'result'; readonly result: Record<string, unknown> }
  | { readonly kind: 'error'; readonly code: ErrorCode; readonly message: string }
  /** The door's wire has no form for such parameters: its types refuse them in the client. */
  | { readonly kind: 'unsayable'; readonly why: string };

/** What a case may expect that a typed wire cannot even ask: what is refused for its type. */
const refusedByTypes: ReadonlySet<ErrorCode> = new Set(['INVALID_ARGUMENT', 'INVALID_VALUE']);

export function mayBeUnsayable({ expect }: ConformanceCase): boolean {
  return 'code' in expect && refusedByTypes.has(expect.code);
}

/** One door, as the runner sees it. */
export interface DoorDriver {
  readonly name: string;
  call(method: string, params: Readonly<Record<string, unknown>>): Promise<Outcome>;
  close(): Promise<void>;
}
