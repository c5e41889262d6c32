import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RequestContext } from '../../request-context.ts';
import type { Fields } from '../text/fields.ts';
import type { ApiReply } from '../text/text-api.ts';
import type { ModelFacts, TextModels } from '../text/text-models.ts';
import { modelOf } from './names.ts';

/** Of a model that stays until it is unloaded; clients want a time. */
const never = '2999-12-31T23:59:59Z';

/** What the model's package says of it under that name; undefined: nothing. */
function factOf({ tasks }: ModelFacts, name: string): unknown {
  return tasks.map(({ facts }) => facts[name]).find((fact) => fact !== undefined);
}

/** The architecture where the package says it. */
function familyOf(model: ModelFacts): string {
  const architecture = factOf(model, 'architecture');
  return typeof architecture === 'string'
    ? architecture
    : (model.framework ?? model.execution_format);
}

function detailsOf(model: ModelFacts) {
  const family = familyOf(model);
  return {
    ...{ parent_model: '', format: model.execution_format, family, families: [family] },
    // What is not known of a model is empty.
    ...{ parameter_size: '', quantization_level: factOf(model, 'quantization') ?? '' },
  };
}

/** Bytes of the model's file; left out where it cannot be seen, which whoever runs it is told of. */
async function sizeOf({ path, file }: ModelFacts): Promise<{ size?: number }> {
  try {
    return { size: (await stat(join(path, file))).size };
  } catch {
    return {};
  }
}

async function entryOf(model: ModelFacts) {
  const { id, digest, registered_at: registered } = model;
  return {
    ...{ name: id, model: id, modified_at: registered },
    ...(await sizeOf(model)),
    ...{ digest, details: detailsOf(model) },
  };
}

/** Tokens that it reads. */
function contextOf(model: ModelFacts): unknown {
  return factOf(model, 'context_length') ?? factOf(model, 'max_tokens');
}

function templateOf(model: ModelFacts): unknown {
  const templates = (factOf(model, 'templates') ?? {}) as Fields;
  return templates['chat'] ?? '';
}

/** GET /api/tags. */
export function tags(models: TextModels, context: RequestContext): ApiReply {
  return {
    async whole() {
      const entries: Fields[] = [];
      // One after the other: there may be as many as the registry holds.
      for (const model of await models.list(context)) entries.push(await entryOf(model));
      return { models: entries };
    },
  };
}

/** GET /api/ps. */
export function running(models: TextModels, context: RequestContext): ApiReply {
  return {
    async whole() {
      const entries: Fields[] = [];
      for (const model of await models.list(context)) {
        if (model.status !== 'ready') continue;
        const context_length = contextOf(model);
        entries.push({
          ...(await entryOf(model)),
          expires_at: model.expires_at ?? never,
          context_length,
        });
      }
      return { models: entries };
    },
  };
}

/** By the tasks; what Ollama has no word for is left out. */
function capabilitiesOf({ tasks }: ModelFacts): string[] {
  const writes = tasks.find(({ name }) => name === 'text-generation');
  const embeds = tasks.some(({ name }) => name === 'feature-extraction');
  const can = (parameter: string) => writes?.parameters.includes(parameter) === true;
  return [
    ...(writes === undefined ? [] : ['completion']),
    ...(can('tools') ? ['tools'] : []),
    ...(can('think') ? ['thinking'] : []),
    ...(can('suffix') ? ['insert'] : []),
    ...(embeds ? ['embedding'] : []),
  ];
}

function infoOf(model: ModelFacts): Fields {
  const family = familyOf(model);
  return {
    'general.architecture': family,
    'general.name': model.name,
    [`${family}.context_length`]: contextOf(model),
    [`${family}.embedding_length`]: factOf(model, 'dimensions'),
    'mlos.plugin': model.plugin_id,
    'mlos.tasks': model.tasks.map(({ name }) => name),
  };
}

/** POST /api/show. */
export function show(models: TextModels, body: Fields, context: RequestContext): ApiReply {
  const { id } = modelOf(body);
  return {
    async whole() {
      const model = await models.get(id, context);
      return {
        ...{ license: '', parameters: '', template: templateOf(model), system: '' },
        modelfile: `FROM ${join(model.path, model.file)}\n`,
        details: detailsOf(model),
        model_info: infoOf(model),
        capabilities: capabilitiesOf(model),
        modified_at: model.registered_at,
      };
    },
  };
}
