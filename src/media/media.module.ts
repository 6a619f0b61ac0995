import { Module } from '@nestjs/common';
import { Media } from './media.service.js';
import { Scanner } from './scanner.service.js';

@Module({ providers: [Media, Scanner], exports: [Media, Scanner] })
export class MediaModule {}
