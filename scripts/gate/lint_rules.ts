/**
 * Rules of the house that need the syntax tree, as a plugin of `deno lint`:
 * - `gate/function-length`: no function over 60 lines; a suite of tests is measured without its tests;
 * - `gate/nothing-from-outside`: no clock, chance, timer, network, `Deno` or console. `check_layers.ts` runs it
 *   over the rings that are handed those things.
 */

/** Lines of the longest function allowed. */
export const FUNCTION_MAX_LINES = 60;

/** Names that reach out of the process, or read its clock, whatever follows them. */
const OUTSIDE = new Set([
  "Deno",
  "console",
  "fetch",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "requestAnimationFrame",
  "XMLHttpRequest",
  "WebSocket",
  "EventSource",
  "localStorage",
  "process",
  "navigator",
]);

/** `object.member` pairs whose object is harmless otherwise. */
const OUTSIDE_MEMBERS = new Set([
  "Date.now",
  "Math.random",
  "performance.now",
  "performance.timeOrigin",
  "AbortSignal.timeout",
  "crypto.randomUUID",
  "crypto.getRandomValues",
]);

type Node = Deno.lint.Node;
type AnyFunction =
  | Deno.lint.FunctionDeclaration
  | Deno.lint.FunctionExpression
  | Deno.lint.ArrowFunctionExpression;

/** Name of `object.member` when both are plain, else null. */
function memberName(node: Deno.lint.MemberExpression): string | null {
  if (node.object.type !== "Identifier" || node.property.type !== "Identifier" || node.computed) return null;
  return `${node.object.name}.${node.property.name}`;
}

/** True where an identifier only names a property, a parameter, a type or a declaration of the file's own. */
function namesSomethingElse(node: Deno.lint.Identifier): boolean {
  const parent = node.parent as Node & Record<string, unknown>;
  switch (parent.type) {
    case "MemberExpression":
      return parent.property === node && !parent.computed;
    case "Property":
    case "PropertyDefinition":
    case "MethodDefinition":
      return parent.key === node && (parent as { value?: unknown }).value !== node;
    case "VariableDeclarator":
      return (parent as { id?: unknown }).id === node;
    case "ExportSpecifier":
    case "ImportSpecifier":
      return true;
    default:
      return parent.type.startsWith("TS") ||
        (parent as { params?: unknown[] }).params?.includes(node) === true;
  }
}

const functionLength: Deno.lint.Rule = {
  create(context) {
    /** Lines taken by the `Deno.test` calls inside each open function, innermost last. */
    const tests: number[] = [];
    const lines = (node: Node) => context.sourceCode.getText(node).split("\n").length;
    const enter = () => void tests.push(0);
    const leave = (node: AnyFunction) => {
      const length = lines(node) - tests.pop()!;
      if (length > FUNCTION_MAX_LINES) {
        context.report({ node, message: `${length} lines in one function; ${FUNCTION_MAX_LINES} at most` });
      }
    };
    return {
      FunctionDeclaration: enter,
      FunctionExpression: enter,
      ArrowFunctionExpression: enter,
      "FunctionDeclaration:exit": leave,
      "FunctionExpression:exit": leave,
      "ArrowFunctionExpression:exit": leave,
      "CallExpression:exit"(node: Deno.lint.CallExpression) {
        const isTest = node.callee.type === "MemberExpression" && memberName(node.callee) === "Deno.test";
        if (isTest && tests.length > 0) tests[tests.length - 1] += lines(node);
      },
    };
  },
};

const nothingFromOutside: Deno.lint.Rule = {
  create(context) {
    const refuse = (node: Node, what: string) =>
      context.report({ node, message: `reaches for ${what}; take it as Clock, Dice, Log or a port` });
    return {
      Identifier(node) {
        if (OUTSIDE.has(node.name) && !namesSomethingElse(node)) refuse(node, node.name);
      },
      MemberExpression(node) {
        const name = memberName(node);
        const global = name?.startsWith("globalThis.") && OUTSIDE.has(name.slice("globalThis.".length));
        if (name !== null && (global || OUTSIDE_MEMBERS.has(name))) refuse(node, name);
      },
      NewExpression(node) {
        if (node.callee.type === "Identifier" && node.callee.name === "Date" && node.arguments.length === 0) {
          refuse(node, "new Date()");
        }
      },
    };
  },
};

const plugin: Deno.lint.Plugin = {
  name: "gate",
  rules: { "function-length": functionLength, "nothing-from-outside": nothingFromOutside },
};

export default plugin;
