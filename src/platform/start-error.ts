/** Something the person at the terminal can mend: the message is one line that says what happened and what to do. */
export class StartError extends Error {
  override readonly name: string = 'StartError';
}
