const filler = 'buongiorno vorrei sapere se domattina trovo ancora il pane di segale e la focaccia';

/** A message of about a hundred characters, all of ASCII, that says first when it was sent. */
export function textOf(sentAt: number): string {
  return `${sentAt.toFixed(3)} ${filler}`;
}

export function sentAtOf(text: string): number {
  return Number.parseFloat(text);
}
