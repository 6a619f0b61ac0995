import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { ScannerAway } from './media.errors.js';

/** Looks for viruses by asking the clamd of the settings. */
@Injectable()
export class Scanner {
  /** Without a scanner nothing is scanned, and the views of files say so. */
  readonly configured: boolean = false;

  /** @throws ScannerAway when no answer is to be had, also because the file is larger than the scanner takes */
  async scan(stream: Readable): Promise<'clean' | 'infected'> {
    stream.destroy();
    throw new ScannerAway('unreachable');
  }
}
