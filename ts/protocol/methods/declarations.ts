import { channelMethods } from './channels.ts';
import { engineMethods } from './engine.ts';
import { loggingMethods } from './logging.ts';
import { modelMethods } from './models.ts';
import { pluginMethods } from './plugins.ts';
import { serviceMethods } from './service.ts';
import { uploadMethods } from './uploads.ts';

/**
 * Every operation of the daemon, declared once. The table that the programs load, its checks,
 * `docs/openapi.json` and `docs/methods.md` are generated from here; a check proves them current.
 * Programs import this for its types only: the schema library is large, and slow to load.
 */
export const methodDeclarations = [
  ...serviceMethods,
  ...engineMethods,
  ...loggingMethods,
  ...pluginMethods,
  ...modelMethods,
  ...uploadMethods,
  ...channelMethods,
] as const;
