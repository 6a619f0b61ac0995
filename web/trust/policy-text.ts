/** Part of a policy's line: plain, or strong. */
export interface Piece {
  text: string;
  strong: boolean;
}

export type Block =
  | { kind: 'heading'; level: 2 | 3; pieces: Piece[] }
  | { kind: 'text'; pieces: Piece[] }
  | { kind: 'list'; items: Piece[][] };

/** The part of Markdown that policies are written in: headings, paragraphs, lists, strong words, and escaped signs. */
export function policyBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  for (const part of text.trim().split(/\n{2,}/)) {
    const lines = part.split('\n');
    const [, hashes, title] = /^(#{1,6})\s+(.*)$/.exec(lines[0]!) ?? [];
    if (hashes) {
      blocks.push({ kind: 'heading', level: hashes.length > 2 ? 3 : 2, pieces: piecesOf(title!) });
      lines.shift();
    }
    if (lines.length === 0) continue;
    if (lines.every((line) => /^([-*]|\d+\.|\s+)\s*/.test(line))) {
      const items: string[] = [];
      for (const line of lines) {
        if (/^([-*]|\d+\.)\s/.test(line)) items.push(line.replace(/^([-*]|\d+\.)\s+/, ''));
        else items[items.length - 1] = `${items.at(-1) ?? ''} ${line.trim()}`;
      }
      blocks.push({ kind: 'list', items: items.map(piecesOf) });
    } else blocks.push({ kind: 'text', pieces: piecesOf(lines.join(' ')) });
  }
  return blocks;
}

function piecesOf(line: string): Piece[] {
  const pieces: Piece[] = [];
  let strong = false;
  let text = '';
  const end = () => {
    if (text) pieces.push({ text, strong });
    text = '';
  };
  for (let at = 0; at < line.length; at++) {
    if (line[at] === '\\' && at + 1 < line.length) text += line[++at];
    else if (line.startsWith('**', at)) {
      end();
      strong = !strong;
      at++;
    } else text += line[at];
  }
  end();
  return pieces;
}
