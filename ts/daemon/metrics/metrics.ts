import { type DaemonFacts, daemonFamilies } from './daemon-families.ts';
import { type MetricsPage, metricsPage } from './family.ts';
import { loadedModels } from './loaded-models.ts';
import { modelFamilies } from './model-families.ts';
import { HostCpu, nvHostFamilies, nvModelFamilies } from './nv-families.ts';

/** What `GET /metrics` answers with: gathered when somebody asks, and by nobody otherwise. */
export class Metrics {
  readonly #deps: DaemonFacts;
  readonly #cpu = new HostCpu();

  constructor(deps: DaemonFacts) {
    this.#deps = deps;
  }

  page(): Promise<MetricsPage> {
    const models = loadedModels(this.#deps);
    return metricsPage([
      ...daemonFamilies(this.#deps),
      ...modelFamilies(models),
      ...nvModelFamilies(models),
      ...nvHostFamilies(this.#cpu),
    ]);
  }
}
