/** The virus scanner did not answer, or not in time: nobody knows yet if the file is clean. */
export class ScannerAway extends Error {
  override readonly name = 'ScannerAway';

  constructor(readonly code: 'unreachable' | 'timeout' | 'too_large' | 'unexpected_answer') {
    super(code);
  }
}
