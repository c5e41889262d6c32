/** Paths of the Open Inference Protocol → what they ask for. */
export type OipAction =
  | 'serverMetadata'
  | 'serverLive'
  | 'serverReady'
  | 'modelMetadata'
  | 'modelReady'
  | 'modelConfig'
  | 'statistics'
  | 'infer'
  | 'generate'
  | 'generateStream'
  | 'repositoryIndex'
  | 'repositoryLoad'
  | 'repositoryUnload'
  | 'traceSettings'
  | 'updateTrace'
  | 'logSettings'
  | 'updateLog'
  | 'systemStatus'
  | 'systemRegister'
  | 'systemUnregister'
  | 'cudaStatus'
  | 'cudaRegister'
  | 'cudaUnregister';

type Verbs = Readonly<Partial<Record<'GET' | 'POST', OipAction>>>;

export interface OipRoute {
  readonly verbs: Verbs;
  /** Percent-decoded; empty where the path names none. */
  readonly modelName: string;
  readonly modelVersion: string;
  readonly region: string;
}

const fixed: Readonly<Record<string, Verbs>> = {
  '/v2': { GET: 'serverMetadata' },
  '/v2/': { GET: 'serverMetadata' },
  '/v2/health/live': { GET: 'serverLive' },
  '/v2/health/ready': { GET: 'serverReady' },
  '/v2/models/stats': { GET: 'statistics' },
  '/v2/trace/setting': { GET: 'traceSettings', POST: 'updateTrace' },
  '/v2/logging': { GET: 'logSettings', POST: 'updateLog' },
  '/v2/systemsharedmemory/status': { GET: 'systemStatus' },
  '/v2/systemsharedmemory/unregister': { POST: 'systemUnregister' },
  '/v2/cudasharedmemory/status': { GET: 'cudaStatus' },
  '/v2/cudasharedmemory/unregister': { POST: 'cudaUnregister' },
};

/** Behind a model's name, which may hold slashes: the end of the path decides. */
const modelSuffixes: readonly (readonly [suffix: string, verbs: Verbs])[] = [
  ['/infer', { POST: 'infer' }],
  ['/generate', { POST: 'generate' }],
  ['/generate_stream', { POST: 'generateStream' }],
  ['/ready', { GET: 'modelReady' }],
  ['/config', { GET: 'modelConfig' }],
  ['/stats', { GET: 'statistics' }],
  ['/trace/setting', { GET: 'traceSettings', POST: 'updateTrace' }],
  ['', { GET: 'modelMetadata' }],
];

const regionVerbs: Readonly<Record<string, Verbs>> = {
  'system/status': { GET: 'systemStatus' },
  'system/register': { POST: 'systemRegister' },
  'system/unregister': { POST: 'systemUnregister' },
  'cuda/status': { GET: 'cudaStatus' },
  'cuda/register': { POST: 'cudaRegister' },
  'cuda/unregister': { POST: 'cudaUnregister' },
};

const index = /^\/v2\/repository(?:\/[^/]+)?\/index$/;
const repositoryModel = /^\/v2\/repository(?:\/[^/]+)?\/models\/(.+)\/(load|unload)$/;
const region = /^\/v2\/(system|cuda)sharedmemory\/region\/([^/]+)\/(status|register|unregister)$/;
const models = '/v2/models/';
const versioned = /^(.+)\/versions\/([^/]+)$/;

const nothing = { modelName: '', modelVersion: '', region: '' };

/** Null for a path that the protocol does not have. Throws URIError for a bad percent-encoding. */
export function matchOipPath(path: string): OipRoute | null {
  if (Object.hasOwn(fixed, path)) return { ...nothing, verbs: fixed[path] ?? {} };
  if (path.startsWith(models)) return modelRoute(path.slice(models.length));
  if (index.test(path)) return { ...nothing, verbs: { POST: 'repositoryIndex' } };
  const [, model, change] = repositoryModel.exec(path) ?? [];
  if (model !== undefined) {
    const verbs: Verbs = { POST: change === 'load' ? 'repositoryLoad' : 'repositoryUnload' };
    return { ...nothing, modelName: decodeURIComponent(model), verbs };
  }
  const [, kind, name = '', what] = region.exec(path) ?? [];
  const verbs = regionVerbs[`${kind}/${what}`];
  return verbs === undefined ? null : { ...nothing, region: decodeURIComponent(name), verbs };
}

function modelRoute(rest: string): OipRoute | null {
  for (const [suffix, verbs] of modelSuffixes) {
    if (!rest.endsWith(suffix) || rest.length === suffix.length) continue;
    const subject = rest.slice(0, rest.length - suffix.length);
    const [, name = subject, version = ''] = versioned.exec(subject) ?? [];
    return {
      verbs,
      modelName: decodeURIComponent(name),
      modelVersion: decodeURIComponent(version),
      region: '',
    };
  }
  return null;
}
