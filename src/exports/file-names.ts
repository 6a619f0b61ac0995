/** Longest name in the zip, in bytes: file systems take 255. */
const longest = 150;

/** Signs that Windows refuses in names of files, or that would lead elsewhere. */
const refused = /[<>:"/\\|?*\p{Cc}\p{Cf}]/gu;

/**
 * The name of a file in the zip. The numbers of its message and its place there make it one that no other has, and none of
 * those that Windows reserves.
 */
export function fileNameInZip(name: string, seq: number, place: number): string {
  const clean = name.replace(refused, '_').replace(/[. ]+$/, '') || 'file';
  const ending = /\.[^.\s]{1,20}$/.exec(clean)?.[0] ?? '';
  let stem = clean.slice(0, clean.length - ending.length);
  while (Buffer.byteLength(stem + ending) > longest) stem = [...stem].slice(0, -1).join('');
  return `${String(seq).padStart(6, '0')}-${place + 1}-${stem}${ending}`;
}
