/**
 * Inserts a text at the caret of a field as if it were typed, so that it can be undone and listeners are notified.
 * @param replaced number of characters before the caret to replace
 */
export function insertText(field: HTMLTextAreaElement, text: string, replaced = 0): void {
  field.focus();
  const { selectionStart, selectionEnd } = field;
  if (replaced > 0) field.setSelectionRange(Math.max(0, selectionStart - replaced), selectionEnd);
  const before = field.value;
  // It has no successor that browsers could undo.
  const isWritten = document.execCommand('insertText', false, text);
  if (isWritten && field.value !== before) return;
  field.setRangeText(text, field.selectionStart, field.selectionEnd, 'end');
  field.dispatchEvent(new InputEvent('input', { bubbles: true, inputType: 'insertText', data: text }));
}
