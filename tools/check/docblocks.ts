import { join } from "node:path";
import ts from "typescript";
import type { Check, Finding } from "./check.ts";
import { packageNames } from "./tree.ts";

/** Every name a package exports says what it is for. */
export const docblocks: Check = {
  name: "docblocks",
  promise: "Every export of every package has a docstring, and no package uses `export *`.",
  run: (root) => {
    const indexes = packageNames(root).map((name) => join(root, "packages", name, "src", "index.ts"));
    if (indexes.length === 0) return [{ message: "no package was found: the check saw nothing" }];
    const program = ts.createProgram(indexes, {
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      customConditions: ["@lodeline/source"],
      allowImportingTsExtensions: true,
      jsx: ts.JsxEmit.ReactJSX,
      noEmit: true,
      types: [],
      noLib: true,
    });
    const checker = program.getTypeChecker();
    return indexes.flatMap((path) => {
      const file = program.getSourceFile(path);
      return file === undefined ? [] : [...starExports(file, root), ...undocumented(file, checker, root)];
    });
  },
};

function starExports(file: ts.SourceFile, root: string): Finding[] {
  return file.statements
    .filter((node) => ts.isExportDeclaration(node) && node.exportClause === undefined)
    .map((node) => ({ at: placeOf(node, root), message: "`export *`: name what is exported" }));
}

function undocumented(file: ts.SourceFile, checker: ts.TypeChecker, root: string): Finding[] {
  const module = checker.getSymbolAtLocation(file);
  if (module === undefined) return [];
  return checker.getExportsOfModule(module).flatMap((symbol) => {
    const target = (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol);
    return bareDeclarations(target).map((node) => ({
      at: placeOf(node, root),
      message: `${symbol.name} has no docstring`,
    }));
  });
}

/** Declarations without a docstring. A constant and a type of the same name are two; overloads need one among them. */
function bareDeclarations(symbol: ts.Symbol): ts.Declaration[] {
  const groups = Map.groupBy(symbol.declarations ?? [], (node) => node.kind);
  return [...groups.values()].flatMap((nodes) => (nodes.some(hasDocstring) ? [] : nodes.slice(0, 1)));
}

function hasDocstring(declaration: ts.Declaration): boolean {
  let node: ts.Node = declaration;
  // The comment of `export const x = 1` belongs to the statement, two levels up.
  if (ts.isVariableDeclaration(declaration)) node = declaration.parent.parent;
  return ts
    .getJSDocCommentsAndTags(node)
    .some((doc) => ts.isJSDoc(doc) && ts.getTextOfJSDocComment(doc.comment)?.trim());
}

function placeOf(node: ts.Node, root: string): string {
  const file = node.getSourceFile();
  const { line } = file.getLineAndCharacterOfPosition(node.getStart());
  return `${file.fileName.slice(root.length + 1)}:${line + 1}`;
}
