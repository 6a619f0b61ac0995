import { type TextField, textFields } from '../../../../src/contract/broadcasts.js';

type FieldNames = Record<TextField, string>;

const braces = /\{\{\s*([^{}]*?)\s*\}\}/g;

/** A text as its writer sees it: `{{firstName}}` is shown as `{{Nome}}`. */
export function forWriter(text: string, names: FieldNames): string {
  return text.replace(braces, (whole, name: string) =>
    (textFields as readonly string[]).includes(name) ? `{{${names[name as TextField]}}}` : whole,
  );
}

/** A writer's text as it is sent: `{{nome}}` becomes `{{firstName}}`. What is no name of a field stays, and is refused. */
export function forService(text: string, names: FieldNames): string {
  return text.replace(braces, (whole, name: string) => {
    const field = textFields.find((each) => names[each].toLocaleLowerCase() === name.toLocaleLowerCase());
    return field ? `{{${field}}}` : whole;
  });
}

/** Pieces of a text, some of them fields. */
export function pieces(text: string, names: FieldNames): { text: string; name?: string }[] {
  const found: { text: string; name?: string }[] = [];
  let at = 0;
  for (const match of text.matchAll(braces)) {
    const name = match[1]!;
    const field = textFields.find(
      (each) => each === name || names[each].toLocaleLowerCase() === name.toLocaleLowerCase(),
    );
    if (!field) continue;
    if (match.index > at) found.push({ text: text.slice(at, match.index) });
    found.push({ text: match[0], name: names[field] });
    at = match.index + match[0].length;
  }
  if (at < text.length) found.push({ text: text.slice(at) });
  return found;
}
