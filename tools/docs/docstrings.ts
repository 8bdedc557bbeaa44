import { join } from "node:path";
import ts from "typescript";
import { listFiles } from "../check/tree.ts";

/** Docstrings of one package's declarations, by name; members as `Name.member`. */
export type Docstrings = ReadonlyMap<string, string>;

/**
 * Reads the comments of all top-level constants, types, functions and classes of a package, and of the
 * members of its object literals and interfaces, without checking types.
 */
export function readDocstrings(root: string, name: string): Docstrings {
  const found = new Map<string, string>();
  for (const path of listFiles(root, `packages/${name}/src/**/*.ts`)) {
    const text = ts.sys.readFile(join(root, path)) ?? "";
    const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
    for (const statement of file.statements) readStatement(statement, found);
  }
  return found;
}

function readStatement(statement: ts.Statement, found: Map<string, string>): void {
  if (ts.isVariableStatement(statement)) {
    for (const declaration of statement.declarationList.declarations) {
      if (!ts.isIdentifier(declaration.name)) continue;
      remember(declaration.name.text, statement, found);
      const literal = declaration.initializer && literalOf(declaration.initializer);
      for (const member of literal?.properties ?? []) readMember(declaration.name.text, member, found);
    }
  } else if (ts.isInterfaceDeclaration(statement)) {
    remember(statement.name.text, statement, found);
    for (const member of statement.members) readMember(statement.name.text, member, found);
  } else if ((ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) && statement.name) {
    remember(statement.name.text, statement, found);
  }
}

function literalOf(expression: ts.Expression): ts.ObjectLiteralExpression | undefined {
  if (ts.isAsExpression(expression) || ts.isSatisfiesExpression(expression)) return literalOf(expression.expression);
  return ts.isObjectLiteralExpression(expression) ? expression : undefined;
}

function readMember(
  owner: string,
  member: ts.Node & { readonly name?: ts.PropertyName },
  found: Map<string, string>,
): void {
  const { name } = member;
  if (name !== undefined && (ts.isIdentifier(name) || ts.isStringLiteral(name)))
    remember(`${owner}.${name.text}`, member, found);
}

function remember(name: string, node: ts.Node, found: Map<string, string>): void {
  const comments = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  const text = ts.getTextOfJSDocComment(comments.at(-1)?.comment);
  if (text !== undefined && text.trim() !== "") found.set(name, plain(text));
}

/** One line, with links to other declarations as code. */
function plain(text: string): string {
  return text
    .replaceAll(/\{@link ([^}]+)\}/g, "`$1`")
    .replaceAll(/\s*\n\s*/g, " ")
    .trim();
}
