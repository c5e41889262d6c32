import type { Logger } from 'pino';
import { MlosError } from '../../../protocol/errors.ts';
import type { RequestContext } from '../../request-context.ts';
import { errorAnswer } from './error.ts';
import type { RequestHead } from './request-head.ts';
import type { Admitted, HttpAnswer, Surface } from './surface.ts';

export type MetricsText = () => Promise<{ readonly contentType: string; readonly text: string }>;

const verbs = ['GET', 'HEAD', 'OPTIONS'];

/** `/metrics`: text for Prometheus. */
export class MetricsSurface implements Surface {
  readonly #page: MetricsText;
  readonly #logger: Logger;

  constructor(page: MetricsText, logger: Logger) {
    this.#page = page;
    this.#logger = logger;
  }

  owns(path: string): boolean {
    return path === '/metrics';
  }

  admit({ verb }: RequestHead): Admitted {
    if (!verbs.includes(verb)) {
      throw new MlosError(
        'METHOD_NOT_ALLOWED',
        `/metrics takes ${verbs.join(', ')}, not ${verb}.`,
        {
          details: { allow: verbs },
        },
      );
    }
    return {
      maxBodyBytes: 0,
      keepsBody: false,
      compresses: true,
      run: (_body, context) => this.#answer(context),
      refuse: errorAnswer,
    };
  }

  allow(): readonly string[] {
    return verbs;
  }

  refuse(error: MlosError): HttpAnswer {
    return errorAnswer(error);
  }

  async #answer({ requestId }: RequestContext): Promise<HttpAnswer> {
    try {
      const { contentType, text } = await this.#page();
      return { status: 200, contentType, body: text, headers: null };
    } catch (thrown) {
      this.#logger.error({ requestId, err: thrown }, 'metrics: fault');
      return errorAnswer(MlosError.from(thrown), { requestId });
    }
  }
}
