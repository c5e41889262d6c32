/**
 * The environment variable by which each hub's address is told, as the hub's own tools have it where they
 * have one. What `axon registry` keeps in config.yaml stands in for it where the environment is silent, so
 * a hub reads one place only.
 */
export const endpointVariables = {
  hf: 'HF_ENDPOINT',
  pytorch: 'AXON_PYTORCH_ENDPOINT',
  tfhub: 'AXON_TFHUB_ENDPOINT',
  kaggle: 'KAGGLE_API_ENDPOINT',
  modelscope: 'MODELSCOPE_ENDPOINT',
  npm: 'npm_config_registry',
  pypi: 'PIP_INDEX_URL',
  ollama: 'AXON_OLLAMA_ENDPOINT',
  gh: 'GITHUB_API_URL',
} as const;

export type EndpointHub = keyof typeof endpointVariables;
export const endpointHubs = Object.keys(endpointVariables) as readonly EndpointHub[];

export function isEndpointHub(text: string): text is EndpointHub {
  return Object.hasOwn(endpointVariables, text);
}

export function endpointKey<H extends EndpointHub>(hub: H): `registry.endpoints.${H}` {
  return `registry.endpoints.${hub}`;
}

/** The environment with the configured addresses in it; what it says itself counts. */
export function withEndpoints(
  env: NodeJS.ProcessEnv,
  configured: (hub: EndpointHub) => string,
): NodeJS.ProcessEnv {
  const added: NodeJS.ProcessEnv = {};
  for (const hub of endpointHubs) {
    const variable = endpointVariables[hub];
    if (!env[variable] && configured(hub) !== '') added[variable] = configured(hub);
  }
  return { ...env, ...added };
}
