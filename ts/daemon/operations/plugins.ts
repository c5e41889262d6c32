import { MlosError } from '../../protocol/errors.ts';
import type { PluginInfoWire } from '../../protocol/methods/plugins.ts';
import type { PluginState } from '../../protocol/methods/shared-schemas.ts';
import { smiVersion } from '../../protocol/version.ts';
import type { HostPool } from '../lifecycle/host-pool.ts';
import type { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { PluginHost } from '../plugin/host.ts';
import type { ModelRegistry } from '../registry/model-registry.ts';
import { absolutePath } from '../registry/package.ts';
import type { CatalogEntry, PluginCatalog } from '../registry/plugin-catalog.ts';
import { residentBytes } from '../resource/process-facts.ts';
import type { Operations } from './operation.ts';

export interface PluginDeps {
  readonly registry: ModelRegistry;
  readonly catalog: PluginCatalog;
  readonly lifecycle: Lifecycle;
  readonly pool: HostPool;
}

/** Worst first: what an operator has to see of several processes. */
const severity: readonly PluginState[] = ['crashed', 'starting', 'draining', 'ready', 'stopped'];

function worst(hosts: readonly PluginHost[]): PluginHost | undefined {
  return [...hosts].sort(
    (a, b) => severity.indexOf(a.status.state) - severity.indexOf(b.status.state),
  )[0];
}

function processInfo(host: PluginHost): PluginInfoWire['processes'] {
  const { pid, state, models, startedAt } = host.status;
  if (pid === null) return [];
  return [
    {
      pid,
      state,
      models: [...models],
      uptime_seconds: startedAt === null ? 0 : (Date.now() - startedAt) / 1000,
      rss_bytes: residentBytes(pid),
    },
  ];
}

function pluginInfo(entry: CatalogEntry, deps: PluginDeps): PluginInfoWire {
  const { descriptor, source } = entry;
  const hosts = deps.pool.hostsOf(descriptor.id);
  const shown = worst(hosts)?.status;
  return {
    id: descriptor.id,
    name: descriptor.name,
    version: descriptor.version,
    description: descriptor.description,
    status: shown?.state ?? 'stopped',
    reason: shown?.reason ?? null,
    models: deps.registry.list().filter((model) => model.pluginId === descriptor.id).length,
    frameworks: [...descriptor.frameworks],
    formats: [...descriptor.formats],
    dtypes: [...descriptor.dtypes],
    smi_version: smiVersion.join('.'),
    path: descriptor.folder,
    source,
    runner: hosts.map((host) => host.status.runner).find((runner) => runner !== null) ?? null,
    restarts: hosts.reduce((sum, host) => sum + host.status.restarts, 0),
    processes: hosts.flatMap(processInfo),
  };
}

function givenFolder(params: { path?: string; endpoint?: string }): string {
  const text = params.path ?? params.endpoint;
  if (text === undefined) {
    throw new MlosError(
      'INVALID_ARGUMENT',
      'Give the folder that holds the plugin.yaml as "path" (or, as earlier, "endpoint").',
    );
  }
  return absolutePath(text, 'path').replace(/\/plugin\.yaml$/, '');
}

function assertSame(what: string, given: string | undefined, found: string): void {
  if (given === undefined || given === found) return;
  throw new MlosError(
    'INVALID_ARGUMENT',
    `The ${what} is given as ${JSON.stringify(given)}, but the plugin.yaml says ${JSON.stringify(found)}.`,
  );
}

type PluginOperations = Pick<
  Operations,
  | 'plugins.register'
  | 'plugins.list'
  | 'plugins.get'
  | 'plugins.load'
  | 'plugins.unload'
  | 'plugins.unregister'
>;

export function pluginOperations(deps: PluginDeps): PluginOperations {
  const { catalog, pool, lifecycle, registry } = deps;

  function answer(entry: CatalogEntry, message: string) {
    const plugin = pluginInfo(entry, deps);
    return { status: 'success' as const, plugin_id: plugin.id, message, plugin };
  }

  return {
    'plugins.register': async (params) => {
      const entry = await catalog.register(givenFolder(params), (descriptor) => {
        assertSame('name', params.name, descriptor.name);
        assertSame('version', params.version, descriptor.version);
        if (params.id !== descriptor.name) assertSame('id', params.id, descriptor.id);
      });
      return {
        ...answer(entry, 'Plugin registered successfully'),
        next_steps: 'Plugin can now register models',
      };
    },
    'plugins.list': () => {
      const plugins = catalog.list().map((entry) => pluginInfo(entry, deps));
      return { status: 'success', plugins, total: plugins.length };
    },
    'plugins.get': ({ plugin_id }) => ({
      status: 'success',
      plugin: pluginInfo(catalog.resolve(plugin_id), deps),
    }),
    'plugins.load': async ({ plugin_id }) => {
      const entry = catalog.resolve(plugin_id);
      await pool.hostFor(entry.descriptor, null).start();
      return answer(entry, 'Plugin loaded');
    },
    'plugins.unload': async ({ plugin_id }) => {
      const entry = catalog.resolve(plugin_id);
      // Forgotten first: who asks for one of its models meanwhile gets a new process.
      lifecycle.forgetPlugin(entry.descriptor.id);
      await pool.stopPlugin(entry.descriptor.id);
      return answer(entry, 'Plugin unloaded; it starts again when it is needed');
    },
    'plugins.unregister': async ({ plugin_id }) => {
      const id = catalog.registeredId(plugin_id);
      const bound = registry.list().filter((model) => model.pluginId === id);
      if (bound.length > 0) {
        throw new MlosError(
          'FAILED_PRECONDITION',
          `Plugin ${id} runs ${bound.length} model(s), such as ${bound[0]?.id}. Unregister them first.`,
        );
      }
      await pool.stopPlugin(id);
      catalog.unregister(id);
      return { status: 'success', plugin_id: id, message: 'Plugin unregistered' };
    },
  };
}
