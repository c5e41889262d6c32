import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Handler } from './answers.ts';
import { Cdn } from './cdn.ts';
import { type Fault, Faults, type Origin } from './faults.ts';
import { type GhRelease, releasesDouble } from './gh.ts';
import { HfDouble, type HfRepo } from './hf.ts';
import { type KaggleModel, kaggleDouble, tfhubDouble } from './kaggle.ts';
import { type ModelscopeRepo, modelscopeDouble } from './modelscope.ts';
import { type NpmPackage, npmDouble } from './npm.ts';
import { type OciArtifact, OciDouble } from './oci.ts';
import { type PypiFile, pypiDouble } from './pypi.ts';
import { type CodeRepo, githubDouble, pytorchDouble } from './pytorch.ts';

export interface HubDoubleOptions {
  readonly repos?: readonly HfRepo[];
  readonly packages?: readonly NpmPackage[];
  readonly pageSize?: number;
  /** Plain files of the content network, by name. */
  readonly files?: Readonly<Record<string, Buffer>>;
  /** Weights of PyTorch's store, by their path below `/models/`. */
  readonly weights?: Readonly<Record<string, Buffer>>;
  readonly code?: readonly CodeRepo[];
  readonly artifacts?: readonly OciArtifact[];
  readonly scope?: readonly ModelscopeRepo[];
  readonly models?: readonly KaggleModel[];
  /** Handles of TensorFlow Hub, and where Kaggle has them: `<owner>/<model>/<framework>/<variation>/<N>`. */
  readonly handles?: Readonly<Record<string, string>>;
  readonly wheels?: readonly PypiFile[];
  readonly releases?: readonly GhRelease[];
}

export interface Seen {
  readonly on: Origin;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
}

/** Hubs on this machine, with lies to order. Two host names on purpose: rules between origins must bite. */
export interface HubDouble {
  readonly hf: string;
  readonly cdn: string;
  readonly npm: string;
  readonly pytorch: string;
  readonly github: string;
  /** A registry, of Ollama too. */
  readonly oci: string;
  readonly registry: OciDouble;
  readonly kaggle: string;
  readonly pypi: string;
  /** Whether the package index knows the JSON form. */
  pypiJson: boolean;
  /** What points axon at these hubs. */
  readonly env: NodeJS.ProcessEnv;
  /** Every request in order. */
  readonly seen: Seen[];
  lie(fault: Fault): void;
  tellTheTruth(): void;
  close(): Promise<void>;
}

export async function startHubDouble(options: HubDoubleOptions = {}): Promise<HubDouble> {
  const {
    repos = [],
    packages = [],
    pageSize = 1000,
    files = {},
    weights = {},
    code = [],
    artifacts = [],
    wheels = [],
    releases = [],
  } = options;
  const { models = [], handles = {}, scope = [] } = options;
  const faults = new Faults();
  const seen: Seen[] = [];
  const servers: http.Server[] = [];
  const serve = async (on: Origin, handler: Handler, host = '127.0.0.1'): Promise<string> => {
    const server = http.createServer((request, response) => {
      const base = `http://${request.headers.host ?? host}`;
      seen.push({ on, path: request.url ?? '/', headers: { ...request.headers } });
      faults.apply(on, request, response, () =>
        handler(request, response, new URL(request.url ?? '/', base)),
      );
    });
    servers.push(server);
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    return `http://${host}:${(server.address() as AddressInfo).port}`;
  };
  const cdn = new Cdn(files);
  cdn.base = await serve('cdn', (...call) => cdn.handle(...call), 'localhost');
  const hfDouble = new HfDouble({ repos, pageSize, cdn });
  const hf = await serve('hf', (...call) => hfDouble.hub(...call));
  let npm = '';
  npm = await serve(
    'npm',
    npmDouble(packages, () => npm),
  );
  const pytorch = await serve('pytorch', pytorchDouble(weights));
  const github = await serve('github', releasesDouble(releases, cdn, githubDouble(code)));
  const registry = new OciDouble(artifacts, cdn);
  const oci = await serve('oci', (...call) => registry.hub(...call));
  const kaggle = await serve('kaggle', kaggleDouble(models, cdn));
  const tfhub = await serve(
    'tfhub',
    tfhubDouble(handles, () => kaggle),
  );
  const modelscope = await serve('modelscope', modelscopeDouble(scope, cdn));
  const pypi = await serve(
    'pypi',
    pypiDouble(wheels, cdn, () => double.pypiJson),
  );
  const double: HubDouble = {
    hf,
    cdn: cdn.base,
    npm,
    pytorch,
    github,
    oci,
    registry,
    kaggle,
    pypi,
    pypiJson: true,
    env: {
      HF_ENDPOINT: hf,
      npm_config_registry: npm,
      AXON_PYTORCH_ENDPOINT: pytorch,
      GITHUB_API_URL: github,
      AXON_OLLAMA_ENDPOINT: oci,
      KAGGLE_API_ENDPOINT: kaggle,
      AXON_TFHUB_ENDPOINT: tfhub,
      MODELSCOPE_ENDPOINT: modelscope,
      PIP_INDEX_URL: `${pypi}/simple`,
    },
    seen,
    lie: (fault) => faults.add(fault),
    tellTheTruth: () => faults.clear(),
    async close() {
      for (const server of servers) server.closeAllConnections();
      await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
    },
  };
  return double;
}
