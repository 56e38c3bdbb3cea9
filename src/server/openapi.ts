/** Writes `/openapi.json` (3.1) from the route table, so that what is documented is what is dispatched. */

import { type ErrorCode, statusOf } from "../core/errors.ts";
import type { JsonSchema, QueryParam, Route } from "./route.ts";
import { schemaRef, SCHEMAS } from "./schemas.ts";

/** What any route can answer with, whatever it does. */
const EVERYWHERE: readonly ErrorCode[] = ["BAD_REQUEST", "FORBIDDEN", "NOT_FOUND", "INTERNAL"];
const COUNTED: readonly ErrorCode[] = ["OVERLOADED"];
const KEYED: readonly ErrorCode[] = ["UNAUTHENTICATED"];
const WITH_BODY: readonly ErrorCode[] = ["UNSUPPORTED_MEDIA", "BODY_TOO_LARGE"];

/** The document. */
export function openApiDocument(routes: readonly Route[], version: string): JsonSchema {
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const route of routes.filter(({ unlisted }) => !unlisted)) {
    const path = route.path.replace("*", "{key}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Seamless",
      version,
      description: "Bars from storage, filled from the exchange, verified by fingerprint.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    paths,
    components: {
      schemas: SCHEMAS,
      securitySchemes: {
        key: { type: "http", scheme: "bearer", description: "Needed where server.api_keys are set" },
      },
    },
  };
}

function operation(route: Route): JsonSchema {
  const variable = /\{(\w+)\}/.exec(route.path)?.[1] ?? (route.path.endsWith("*") ? "key" : null);
  const inPath = variable === null
    ? []
    : [{ name: variable, in: "path", required: true, schema: { type: "string", minLength: 1 } }];
  return {
    summary: route.summary,
    operationId: operationId(route),
    parameters: [...inPath, ...(route.unlistedQuery ? [] : route.query.map(parameter))],
    ...(route.body ? { requestBody: { required: true, content: json(route.body) } } : {}),
    responses: { ...answers(route), ...problems(route) },
    security: route.role === "open" ? [] : [{ key: [] }, {}],
  };
}

function operationId({ method, path }: Route): string {
  const words = path.split(/[^A-Za-z]+/).filter((word) => word !== "" && word !== "v");
  return [method.toLowerCase(), ...words].join("_");
}

function parameter({ name, description, schema, required }: QueryParam): JsonSchema {
  return { name, in: "query", description, required: required ?? false, schema };
}

function answers(route: Route): Record<string, JsonSchema> {
  const entries = Object.entries(route.answers).map(([status, answer]) => {
    const content = Object.entries(answer.content ?? {}).map(([type, schema]) => [type, { schema }]);
    const headers = Object.entries(answer.headers ?? {}).map((
      [name, description],
    ) => [name, { description, schema: { type: "string" } }]);
    return [status, {
      description: answer.description,
      ...(content.length > 0 ? { content: Object.fromEntries(content) } : {}),
      ...(headers.length > 0 ? { headers: Object.fromEntries(headers) } : {}),
    }];
  });
  return Object.fromEntries(entries);
}

/** One response per status, naming the codes that it can carry. */
function problems(route: Route): Record<string, JsonSchema> {
  const codes = [
    ...EVERYWHERE,
    ...(route.role === "open" ? [] : KEYED),
    ...(route.uncounted ? [] : COUNTED),
    ...(route.body ? WITH_BODY : []),
    ...route.errors,
  ];
  const byStatus: Record<string, JsonSchema> = {};
  for (const status of new Set(codes.map(statusOf))) {
    const named = [...new Set(codes.filter((code) => statusOf(code) === status))];
    const content = { "application/problem+json": { schema: schemaRef("Problem") } };
    byStatus[status] = { description: named.join(", "), content };
  }
  return byStatus;
}

function json(schema: JsonSchema): JsonSchema {
  return { "application/json": { schema } };
}
