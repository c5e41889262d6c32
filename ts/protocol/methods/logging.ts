import { Type } from 'typebox';
import { type LogLevelName, logLevels } from '../log-levels.ts';
import type { MethodDeclaration } from './method.ts';
import { Status } from './shared-schemas.ts';

const Level = Type.Unsafe<LogLevelName>({
  type: 'string',
  enum: [...logLevels],
  description: 'Least level that is logged.',
});

const LoggingResult = Type.Object({
  status: Status,
  level: Level,
  file: Type.String({ description: 'Empty: standard output.' }),
});

export const loggingMethods = [
  {
    name: 'logging.get',
    summary: 'What the daemon logs, and where.',
    params: Type.Object({}, { additionalProperties: false }),
    result: LoggingResult,
    errors: [],
    http: { verb: 'GET', path: '/logging' },
    grpc: { service: 'HealthService', rpc: 'GetLogging' },
  },
  {
    name: 'logging.set',
    summary: 'Changes the level of the running daemon; a restart takes it from the settings again.',
    params: Type.Object({ level: Level }, { additionalProperties: false }),
    result: LoggingResult,
    errors: [],
    http: { verb: 'POST', path: '/logging' },
    grpc: { service: 'HealthService', rpc: 'SetLogging' },
  },
] as const satisfies readonly MethodDeclaration[];
