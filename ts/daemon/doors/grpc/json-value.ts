/*
 * google.protobuf.Value ↔ JSON values. Numbers are doubles there as they are in JSON; what JSON has no
 * number for comes as text ("NaN", integers beyond 2^53), as through the other doors.
 */
export interface JsonMessage {
  readonly nullValue?: number;
  readonly numberValue?: number;
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly structValue?: { readonly fields?: Readonly<Record<string, JsonMessage>> };
  readonly listValue?: { readonly values?: readonly JsonMessage[] };
}

/** As bounded in depth as the message was when it was decoded. */
export function jsonOf(message: JsonMessage): unknown {
  if (Object.hasOwn(message, 'numberValue')) return message.numberValue;
  if (Object.hasOwn(message, 'stringValue')) return message.stringValue;
  if (Object.hasOwn(message, 'boolValue')) return message.boolValue;
  if (Object.hasOwn(message, 'listValue')) return (message.listValue?.values ?? []).map(jsonOf);
  if (!Object.hasOwn(message, 'structValue')) return null;
  const entries = Object.entries(message.structValue?.fields ?? {});
  return Object.fromEntries(entries.map(([name, value]) => [name, jsonOf(value)]));
}

export function jsonMessage(json: unknown): JsonMessage {
  switch (typeof json) {
    case 'number':
      return { numberValue: json };
    case 'string':
      return { stringValue: json };
    case 'boolean':
      return { boolValue: json };
    case 'bigint':
      return { stringValue: String(json) };
    case 'object':
      break;
    default:
      return { nullValue: 0 };
  }
  if (json === null) return { nullValue: 0 };
  if (Array.isArray(json)) return { listValue: { values: json.map(jsonMessage) } };
  const fields = Object.entries(json)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, jsonMessage(value)]);
  return { structValue: { fields: Object.fromEntries(fields) } };
}
