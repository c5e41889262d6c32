import type { RequestContext } from '../../request-context.ts';
import { type Fields, flagOf, given, invalid, unsupported } from '../text/fields.ts';
import type { ApiReply } from '../text/text-api.ts';
import type { ModelFacts, TaskCall, TextModels } from '../text/text-models.ts';
import { modelOf } from './names.ts';
import { samplingOf } from './parameters.ts';
import { type Said, write } from './writing.ts';

/** A text field; empty is as if it were left out. */
function textOf(body: Fields, param: string): string {
  const value = given(body[param]) ?? '';
  if (typeof value === 'string') return value;
  throw invalid(param, 'a text');
}

function imagesOf(body: Fields): readonly unknown[] {
  const images = given(body['images']) ?? [];
  if (Array.isArray(images)) return images;
  throw invalid('images', 'a list of pictures in base64');
}

function refuseUnknown(body: Fields): void {
  if (textOf(body, 'template') !== '') {
    throw unsupported('template', "the model's own is used; raw takes a prompt that is ready.");
  }
  const context = given(body['context']) ?? [];
  if (!Array.isArray(context) || context.length > 0) {
    throw unsupported('context', 'send what was said before as messages to /api/chat.');
  }
}

/** Whether the model has a template for conversations. */
function isChat({ tasks }: ModelFacts): boolean {
  return tasks.find(({ name }) => name === 'text-generation')?.facts['chat'] === true;
}

/** What goes to the model: a conversation where it was made for them, as Ollama does, else the text. */
function inputsOf(body: Fields, model: ModelFacts): Fields {
  const prompt = textOf(body, 'prompt');
  const system = textOf(body, 'system');
  const images = imagesOf(body);
  const isText = flagOf(body, 'raw') === true || textOf(body, 'suffix') !== '';
  if (!isText && isChat(model)) {
    return {
      messages: [
        ...(system === '' ? [] : [{ role: 'system', content: system }]),
        { role: 'user', content: prompt, ...(images.length === 0 ? {} : { images }) },
      ],
    };
  }
  const strange = system === '' ? 'images' : 'system';
  if (system === '' && images.length === 0) return { text: prompt };
  throw isText
    ? invalid(strange, 'left out with raw or suffix: the prompt goes to the model as it is')
    : unsupported(strange, `${model.id} has no chat template that it could stand in.`);
}

function said({ text, thinking }: Said): Fields {
  return { response: text, ...(thinking ? { thinking } : {}) };
}

/** POST /api/generate. */
export function generate(models: TextModels, body: Fields, context: RequestContext): ApiReply {
  const { id } = modelOf(body);
  refuseUnknown(body);
  const suffix = textOf(body, 'suffix');
  const parameters = {
    ...samplingOf(body),
    raw: flagOf(body, 'raw') === true ? true : undefined,
    suffix: suffix === '' ? undefined : suffix,
  };
  const isEmpty = textOf(body, 'prompt') === '' && imagesOf(body).length === 0;
  const call = (model: ModelFacts): TaskCall => {
    return { model: id, task: 'text-generation', inputs: inputsOf(body, model), parameters };
  };
  return write(models, { body, isEmpty, call, said }, context);
}
