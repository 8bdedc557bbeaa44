/**
 * Documents are written by people, with blocks in them that are made from the code:
 *
 * ```md
 * <!-- generated:errors -->
 * ...
 * <!-- /generated:errors -->
 * ```
 */
const BLOCK = /<!-- generated:([\w-]+) -->\n[\s\S]*?<!-- \/generated:\1 -->/g;

/** The names of the generated blocks in a document, in order. */
export function blockNames(text: string): string[] {
  return [...text.matchAll(BLOCK)].map((match) => match[1] ?? "");
}

/**
 * The document with its blocks made anew. What stands outside of blocks is not touched.
 *
 * @throws TypeError when the document asks for a block that nobody makes.
 */
export function renewBlocks(text: string, blocks: ReadonlyMap<string, string>): string {
  return text.replace(BLOCK, (_whole, name: string) => {
    const content = blocks.get(name);
    if (content === undefined) throw new TypeError(`no generated block is called "${name}"`);
    return `<!-- generated:${name} -->\n\n${content.trim()}\n\n<!-- /generated:${name} -->`;
  });
}
