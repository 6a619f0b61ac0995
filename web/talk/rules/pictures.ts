/** Longest side of a picture that is sent, in pixels, and how well it is kept. */
export const longestSide = 2560;
export const pictureQuality = 0.85;

/** Width and height within the longest side; a small picture stays as it is. */
export function fitted(width: number, height: number, most = longestSide): { width: number; height: number } {
  const scale = Math.min(1, most / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** The type that a picture is sent as; undefined when it is sent as the file that it is. */
export function sentAs(type: string, bytes: number): 'image/jpeg' | 'image/png' | undefined {
  if (/^image\/(jpe?g|heic|heif|avif|webp)$/.test(type)) return 'image/jpeg';
  // Drawings and screenshots keep their sharp edges, photographs in this format would be needlessly large.
  if (type === 'image/png') return bytes > 2_000_000 ? 'image/jpeg' : 'image/png';
  return undefined;
}

export function renamed(name: string, type: 'image/jpeg' | 'image/png'): string {
  const ending = type === 'image/jpeg' ? 'jpg' : 'png';
  const fits = type === 'image/jpeg' ? /\.jpe?g$/i : /\.png$/i;
  return fits.test(name) ? name : `${name.replace(/\.[a-z0-9]{1,5}$/i, '')}.${ending}`;
}

/** Peaks of a recording as so many numbers from 0 to 100, the loudest of which is 100. */
export function waveform(peaks: readonly number[], points = 64): number[] {
  if (peaks.length === 0) return [];
  const count = Math.min(points, peaks.length);
  const bars = Array.from({ length: count }, (_, index) => {
    const from = Math.floor((index * peaks.length) / count);
    const to = Math.max(from + 1, Math.floor(((index + 1) * peaks.length) / count));
    return Math.max(...peaks.slice(from, to));
  });
  const loudest = Math.max(...bars, 0.05);
  return bars.map((bar) => Math.round((bar / loudest) * 100));
}

/** As many of these points as there is room for. */
export function bars(points: readonly number[], room: number): number[] {
  if (points.length <= room) return [...points];
  return Array.from({ length: room }, (_, index) => {
    const from = Math.floor((index * points.length) / room);
    const to = Math.max(from + 1, Math.floor(((index + 1) * points.length) / room));
    return Math.max(...points.slice(from, to));
  });
}
