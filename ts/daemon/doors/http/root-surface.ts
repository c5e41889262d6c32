import { MlosError } from '../../../protocol/errors.ts';
import { errorAnswer } from './error.ts';
import type { RequestHead } from './request-head.ts';
import type { Admitted, HttpAnswer, Surface } from './surface.ts';

const verbs = ['GET', 'HEAD', 'OPTIONS'];

/** `/`: what Ollama's clients look for before they ask anything. */
export class RootSurface implements Surface {
  owns(path: string): boolean {
    return path === '/';
  }

  admit({ verb }: RequestHead): Admitted {
    if (!verbs.includes(verb)) {
      throw new MlosError('METHOD_NOT_ALLOWED', `/ takes ${verbs.join(', ')}, not ${verb}.`, {
        details: { allow: verbs },
      });
    }
    return {
      ...{ maxBodyBytes: 0, keepsBody: false, compresses: false },
      run: () => ({
        ...{ status: 200, contentType: 'text/plain; charset=utf-8', headers: null },
        body: 'Ollama is running',
      }),
      refuse: errorAnswer,
    };
  }

  allow(): readonly string[] {
    return verbs;
  }

  refuse(error: MlosError): HttpAnswer {
    return errorAnswer(error);
  }
}
