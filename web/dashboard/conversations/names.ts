/** A text in small letters and without accents, as names are compared. */
export const folded = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toLocaleLowerCase();

const wordsOf = (text: string): string[] => folded(text).match(/[\p{L}\p{N}]+/gu) ?? [];

/** True if each word of the search begins a word of one of the texts. */
export function beginsAWord(query: string, texts: readonly (string | undefined)[]): boolean {
  const words = texts.flatMap((text) => (text ? wordsOf(text) : []));
  return wordsOf(query).every((part) => words.some((word) => word.startsWith(part)));
}

/** Place of rows of different heights in a list that is scrolled; only those near the view are drawn. */
export function rowsInView(heights: readonly number[], scrolled: number, height: number, beyond = 600) {
  const tops: number[] = [];
  let total = 0;
  for (const each of heights) {
    tops.push(total);
    total += each;
  }
  let first = tops.findIndex((top, index) => top + heights[index]! > scrolled - beyond);
  if (first < 0) first = Math.max(0, heights.length - 1);
  let end = first;
  while (end < heights.length && tops[end]! < scrolled + height + beyond) end++;
  return { tops, total, first, end };
}
