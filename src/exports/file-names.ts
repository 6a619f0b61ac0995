/** Longest name in the zip, in bytes: file systems take 255. */
const longest = 150;

/** Signs that Windows refuses in names of files, or that would lead elsewhere. */
const refused = /[<>:"/\\|?*\p{Cc}\p{Cf}]/gu;

/**
 * The name of a file in the zip. What it begins with, such as the numbers of its message and its place there, makes it one that no
 * other has, and none of those that Windows reserves.
 */
export function fileNameInZip(name: string, beginning: string): string {
  const clean = name.replace(refused, '_').replace(/[. ]+$/, '') || 'file';
  const ending = /\.[^.\s]{1,20}$/.exec(clean)?.[0] ?? '';
  return `${beginning}-${shortened(clean.slice(0, clean.length - ending.length), longest - Buffer.byteLength(ending))}${ending}`;
}

/** The name of a folder in the zip, made likewise. */
export function folderNameInZip(name: string, beginning: string): string {
  const clean = shortened(name.replace(refused, '_'), longest / 2).replace(/[. ]+$/, '');
  return clean ? `${beginning}-${clean}` : beginning;
}

function shortened(text: string, bytes: number): string {
  let left = text;
  while (Buffer.byteLength(left) > bytes) left = [...left].slice(0, -1).join('');
  return left;
}
