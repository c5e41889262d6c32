import { isDeepStrictEqual } from 'node:util';
import { errorCodes } from '../../dist/protocol/error-codes.js';
import { methodDeclarations } from '../../dist/protocol/methods/declarations.js';
import { commonErrors } from '../../dist/protocol/methods/method.js';
import { ModelInfo } from '../../dist/protocol/methods/model-info.js';
import { productVersion } from '../../dist/protocol/version.js';

/** TypeBox keeps its own marks beside the JSON Schema; a round trip through JSON drops them. */
function plain(schema) {
  return JSON.parse(JSON.stringify(schema));
}

/** Schemas that stand in many answers are written once. */
const named = { ModelInfo: plain(ModelInfo) };

function withReferences(value) {
  if (typeof value !== 'object' || value === null) return value;
  for (const [name, schema] of Object.entries(named)) {
    if (isDeepStrictEqual(value, schema)) return { $ref: `#/components/schemas/${name}` };
  }
  if (Array.isArray(value)) return value.map(withReferences);
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, withReferences(part)]),
  );
}

function pathVariables(path) {
  return [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
}

function parameters(method) {
  const { properties } = plain(method.params);
  const inPath = pathVariables(method.http.path);
  const variables = inPath.map((name) => ({
    name,
    in: 'path',
    required: true,
    description: properties[name].description,
    schema: properties[name],
  }));
  if (method.name === 'models.infer') {
    variables.push({
      name: 'include_outputs',
      in: 'query',
      required: false,
      description: properties.include_outputs.description,
      schema: { type: 'boolean' },
    });
  }
  if (method.http.bytes !== undefined) {
    const { properties: all, required = [] } = plain(method.params);
    const inQuery = Object.keys(all).filter(
      (name) => name !== method.http.bytes && !inPath.includes(name),
    );
    for (const name of inQuery) {
      const { description, ...schema } = all[name];
      variables.push({ name, in: 'query', required: required.includes(name), description, schema });
    }
  }
  return variables;
}

function requestBody(method) {
  if (method.http.verb !== 'POST') return undefined;
  if (method.http.bytes !== undefined) {
    const schema = { type: 'string', format: 'binary' };
    return { required: true, content: { 'application/octet-stream': { schema } } };
  }
  const schema = plain(method.params);
  for (const name of pathVariables(method.http.path)) delete schema.properties[name];
  const required = (schema.required ?? []).filter((name) => Object.hasOwn(schema.properties, name));
  delete schema.required;
  if (required.length > 0) schema.required = required;
  const isEmpty = Object.keys(schema.properties).length === 0;
  return isEmpty && schema.additionalProperties === false
    ? undefined
    : {
        required: required.length > 0,
        content: { 'application/json': { schema }, ...mediaContent(method, schema) },
      };
}

/** A file as the body, or a form with fields of the same names. */
function mediaContent({ http: { media } }, { properties }) {
  if (media === undefined) return {};
  const file = { schema: { type: 'string', format: 'binary' } };
  const fields = { ...properties, [media]: { ...properties[media], format: 'binary' } };
  const form = { schema: { type: 'object', properties: fields, additionalProperties: true } };
  return {
    'image/*': file,
    'audio/*': file,
    'application/octet-stream': file,
    'multipart/form-data': form,
  };
}

function responses(method) {
  const byStatus = new Map();
  for (const code of [...method.errors, ...commonErrors]) {
    const { http } = errorCodes[code];
    byStatus.set(http, [...(byStatus.get(http) ?? []), code]);
  }
  const failures = [...byStatus]
    .sort(([a], [b]) => a - b)
    .map(([status, codes]) => [
      String(status),
      {
        description: codes.join(', '),
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    ]);
  return {
    200: {
      description: 'Success.',
      content: {
        'application/json': { schema: plain(method.result) },
        ...(method.http.events === true
          ? { 'text/event-stream': { schema: { type: 'string' } } }
          : {}),
      },
    },
    ...Object.fromEntries(failures),
  };
}

function operation(method) {
  const body = requestBody(method);
  return {
    operationId: method.name,
    summary: method.summary,
    tags: [method.name.split('.')[0]],
    parameters: parameters(method),
    ...(body === undefined ? {} : { requestBody: body }),
    responses: responses(method),
  };
}

/** docs/openapi.json, from the method table. */
export function openApi() {
  const paths = {};
  for (const method of methodDeclarations) {
    for (const path of [method.http.path, ...(method.http.aliases ?? [])]) {
      const entry = operation(method);
      if (path !== method.http.path) entry.operationId = `${method.name}.alias`;
      paths[path] = { ...paths[path], [method.http.verb.toLowerCase()]: entry };
    }
  }
  const document = {
    openapi: '3.1.0',
    info: {
      title: 'MLOS',
      version: productVersion,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description: 'Generated from ts/protocol/methods/ by npm run generate.',
    },
    servers: [{ url: 'http://127.0.0.1:8080' }],
    paths: withReferences(paths),
    components: {
      schemas: {
        ...named,
        Error: {
          type: 'object',
          required: ['status', 'code', 'message'],
          properties: {
            status: { const: 'error' },
            code: { type: 'string', enum: Object.keys(errorCodes) },
            message: { type: 'string', description: 'What was wrong, then what would be right.' },
            details: { type: 'object' },
            model_id: { type: 'string' },
          },
        },
      },
    },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
