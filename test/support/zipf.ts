/** Chance with a seed, as the tests and the measurements have each their own. */
interface Chances {
  between(least: number, most: number): number;
}

const commonest =
  'di e il la che non per un in è i del mi ho a una ma le con sono da si al lo se ci più anche come questo della dal dei alla nel gli ha o su ordine grazie pane domani oggi ciao buongiorno quando volevo prenotare ritiro';
const onsets = 'b c d f g l m n p r s t v br ca ch cr fi fr gl gn gr pa pr qua sc sp st str tr vi'.split(' ');
const vowels = 'a e i o u ia io à è ò'.split(' ');
const endings = 'o a i e are ere ire ando ato ata ati ate mente zione zioni ità ino ina ini ine etto ista'.split(' ');

/** Invented Italian words, the commonest ones first, which are real. */
export function vocabulary(chance: Chances, size: number): string[] {
  const pick = (from: readonly string[]) => from[chance.between(0, from.length - 1)]!;
  const words = new Set(commonest.split(' '));
  while (words.size < size) {
    let word = '';
    for (let syllables = chance.between(1, 3); syllables > 0; syllables--) word += pick(onsets) + pick(vowels);
    words.add(word + pick(onsets) + pick(endings));
  }
  return [...words];
}

/** Places of words by their frequencies, which fall as one over the rank (Zipf's law). */
const sums = new Map<number, Float64Array>();

export function zipfWord(chance: Chances, words: readonly string[]): string {
  let sum = sums.get(words.length);
  if (!sum) {
    sum = new Float64Array(words.length);
    let total = 0;
    for (let rank = 0; rank < words.length; rank++) sum[rank] = total += 1 / (rank + 2.7);
    sums.set(words.length, sum);
  }
  const at = (chance.between(0, 2 ** 30) / 2 ** 30) * sum[sum.length - 1]!;
  let [low, high] = [0, sum.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sum[middle]! < at) low = middle + 1;
    else high = middle;
  }
  return words[low]!;
}

/** A message: some words, with the marks, numbers, elisions and capitals that people write. */
export function zipfText(chance: Chances, words: readonly string[]): string {
  const parts: string[] = [];
  for (let left = chance.between(1, 22); left > 0; left--) {
    const word = zipfWord(chance, words);
    const dice = chance.between(0, 99);
    if (dice < 4) parts.push(String(chance.between(1, 2_000)));
    else if (dice < 6) parts.push(`ORD-${chance.between(2020, 2026)}/${chance.between(1, 300)}`);
    else if (dice < 10) parts.push(word[0]!.toUpperCase() + word.slice(1));
    else if (dice < 13) parts.push(`${word},`);
    else if (dice < 15) parts.push(`${word}.`);
    else parts.push(word);
  }
  return parts.join(' ');
}
