import type { ImportLineView } from '../../../src/contract/imports.js';
import { withoutFormulas } from '../../../src/contract/rules/formulas.js';
import { imports as words } from '../../words/imports.js';
import { locale } from '../../words/locale.js';

/** Contents of lines that a dry run of this page has shown, by the import that was made of its file. They are kept nowhere. */
export const contents = new Map<string, ReadonlyMap<number, string>>();

/** Result of a line, and the reason. */
export function resultOf({ outcome, via }: ImportLineView): string {
  return outcome === 'invited' && via === 'letter' ? words.line.byLetter : words.line.outcome[outcome];
}

export function whyOf({ outcome, field, reason, sameAs }: ImportLineView): string {
  const parts: string[] = [];
  if (reason) {
    const why = words.line.reasons[reason];
    const isLeftOut = outcome !== 'invalid' && field !== undefined;
    const named = field && reason === 'too_long' ? `${words.columns.fields[field]}: ${why}` : why;
    parts.push(isLeftOut ? words.line.leftOut(words.columns.fields[field], why) : named);
  }
  if (sameAs !== undefined) parts.push(words.line.sameAs(sameAs));
  return parts.join(', ');
}

export interface ReportLine {
  line: ImportLineView;
  content: string;
}

/** Saves lines as a table that a spreadsheet opens: with a byte order mark, and without formulas. */
export function download(lines: readonly ReportLine[], name: string): void {
  const separator = locale === 'it' ? ';' : ',';
  const cell = (text: string) => {
    const plain = withoutFormulas(text);
    return /[";,\t\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
  };
  const head = [words.line.number, words.line.content, words.line.result, words.line.why];
  const rows = lines.map(({ line, content }) => [String(line.line), content, resultOf(line), whyOf(line)]);
  const text = [head, ...rows].map((cells) => cells.map(cell).join(separator)).join('\r\n');
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([`\uFEFF${text}\r\n`], { type: 'text/csv;charset=utf-8' }));
  link.download = `${name}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
