import { limits } from '../contract/limits.js';
import { shortened } from '../contract/rules/texts.js';

/**
 * Characters that no file system or header should meet, and those that turn the direction of what follows. The joiners of
 * emoji and of some scripts are none of them.
 */
const unsafe = /(?![\u200C\u200D])[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\u2028\u2029]/gu;

/**
 * A name as it is shown and offered for saving: without folders, control characters and direction overrides, so that
 * `invoice‮gpj.exe` does not pass for a picture. A name of which nothing is left becomes `file`.
 */
export function safeName(name: string): string {
  const [last = ''] = name.toWellFormed().normalize('NFC').split(/[\\/]/).slice(-1);
  const clean = last.replace(unsafe, '').replace(/\s+/g, ' ').trim().replace(/^\.+$/, '');
  return withinLength(clean) || 'file';
}

/** Shortens the middle, so that the ending stays. */
function withinLength(name: string): string {
  const characters = [...name];
  if (characters.length <= limits.fileNameLength) return name;
  const ending = /\.[^.\s]{1,20}$/.exec(name)?.[0] ?? '';
  return shortened(name.slice(0, name.length - ending.length), limits.fileNameLength - [...ending].length) + ending;
}
