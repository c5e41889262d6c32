import type { MlosError } from '../../../protocol/errors.ts';
import type { RequestContext } from '../../request-context.ts';

/** Objects that come one by one. */
export interface StreamReply {
  /** Rejects where an error is the first thing to come, which then has a status of its own. */
  readonly begun: Promise<void>;
  events(): AsyncGenerator<unknown, void, void>;
  /** Its events are named by their `type`, and the last one says that it is. */
  readonly isTyped?: true;
}

/** What an operation answers: JSON that is whole, plain text, or a stream. */
export type ApiReply = { whole(): Promise<unknown> } | { text(): Promise<string> } | StreamReply;

type Fields = Readonly<Record<string, unknown>>;

export interface ApiRoute {
  readonly verb: 'GET' | 'POST' | 'DELETE';
  /** Exact; or a prefix where it ends in a slash, behind which the id of a model stands. */
  readonly path: string;
  /** The body is a form with files, whose fields are texts, or bytes; a field that comes several times is a list. */
  readonly takesForm?: true;
  /** `id` is empty where the path has none. Throws MlosError for a body that is not right. */
  answer(body: Fields, id: string, context: RequestContext): ApiReply;
}

/** An API of others, without its transport. */
export interface TextApi {
  /** For logs. */
  readonly name: string;
  /** For messages: where it is described. */
  readonly docs: string;
  owns(path: string): boolean;
  readonly routes: readonly ApiRoute[];
  readonly stream: 'server-sent events' | 'lines of JSON';
  /** What a stream ends with, in the form of its events; null: nothing. */
  readonly streamEnd: string | null;
  status(error: MlosError): number;
  error(error: MlosError): Fields;
}
