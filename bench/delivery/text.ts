import { Mulberry } from './chance.js';
import { vocabulary, zipfWord } from '../../test/support/zipf.js';

const texts = 4_000;
const length = 90;

/** Texts of words as frequent as in real ones, all of ASCII and of about the same length, for all servers alike. */
const fillers = (() => {
  const chance = new Mulberry(7);
  const words = vocabulary(chance, 20_000).map((word) => word.normalize('NFD').replace(/[^ -~]/g, ''));
  return Array.from({ length: texts }, () => {
    let text = '';
    while (text.length < length) text += `${text && ' '}${zipfWord(chance, words)}`;
    return text.slice(0, length);
  });
})();
let turn = 0;

/** A message of about a hundred characters that says first when it was sent. */
export function textOf(sentAt: number): string {
  return `${sentAt.toFixed(3)} ${fillers[turn++ % texts]}`;
}

export function sentAtOf(text: string): number {
  return Number.parseFloat(text);
}
