import { Injectable } from '@nestjs/common';
import type { ByteSource } from './byte-source.js';
import type { Inspection, Renditions } from './inspection.js';

/** Finds out what files are, and makes thumbnails and pictures for the screen of them. */
@Injectable()
export class Media {
  /**
   * Tells what a file is by its content. It never throws because of the content; only because of a source that fails.
   * @param name as the sender gave it, for texts whose kind shows in nothing else; it never makes a file more than it is
   */
  async inspect(source: ByteSource, name: string): Promise<Inspection> {
    void source;
    void name;
    const octets = 'application/octet-stream';
    return { mediaType: octets, contentType: octets, family: 'other', inline: false, patches: [] };
  }

  /** Draws the thumbnail and the display size, one file after another. It never throws because of the content. */
  async renditions(source: ByteSource, inspection: Inspection): Promise<Renditions> {
    void source;
    void inspection;
    return {};
  }
}
